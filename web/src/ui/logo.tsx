// The mark: an oriel, the bay window that hangs from a wall, with the lamp lit in its middle pane.
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg class="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="mark-wall" width="32" height="32" rx="8" />
      <path class="mark-lamp" d="M11.5 6.5h9V22h-9z" />
      <path class="mark-pane" d="M10 8v13.5l-4-2.3V10.4zM22 8v13.5l4-2.3V10.4z" />
      <path class="mark-foot" d="M6.8 21.8 11.5 24.5h9l4.7-2.7-4.7 4.9h-9z" />
    </svg>
  );
}

export function Logo({ size = 28 }: { size?: number }) {
  return (
    <span class="logo">
      <Mark size={size} />
      <span>Oriel</span>
    </span>
  );
}
