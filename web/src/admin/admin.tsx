import type { Me } from '../api.ts';
import type { Route } from '../route.ts';
export function Admin({ me, route }: { me: Me; route: Route }) {
  return <p>{me.user.name} {route.parts.join('/')}</p>;
}
