// Line icons on a 20-unit grid. They are decoration: the text or label beside them carries the meaning.
import type { ComponentChildren } from 'preact';

interface IconProps {
  size?: number;
}

function icon(children: ComponentChildren) {
  return function Icon({ size = 18 }: IconProps) {
    return (
      <svg width={size} height={size} viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.6"
        stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
        {children}
      </svg>
    );
  };
}

export const DesktopIcon = icon(<><rect x="2.5" y="3.5" width="15" height="10" rx="1.5" /><path d="M7 17h6M10 13.5V17" /></>);
export const GaugeIcon = icon(<><path d="M3.6 14.5a7.5 7.5 0 1 1 12.8 0" /><path d="m10 11 3-3.5" /><circle cx="10" cy="11.3" r="1" /></>);
export const ImageIcon = icon(<><path d="M10 2.5 17 6v8l-7 3.5L3 14V6z" /><path d="M3 6l7 3.5L17 6M10 9.5v8" /></>);
export const PoolIcon = icon(<><rect x="2.5" y="6.5" width="11" height="8" rx="1.5" /><path d="M6.5 3.5h9.5a1.5 1.5 0 0 1 1.5 1.5v6.5M5.5 17h5" /></>);
export const SessionIcon = icon(<><circle cx="10" cy="10" r="7.5" /><path d="m8.3 6.8 5 3.2-5 3.2z" /></>);
export const UserIcon = icon(<><circle cx="10" cy="6.8" r="3.3" /><path d="M3.5 17c.6-3.4 3.2-5.2 6.5-5.2s5.9 1.8 6.5 5.2" /></>);
export const GroupIcon = icon(<><circle cx="7.3" cy="7.3" r="2.8" /><path d="M1.8 16.5c.5-2.9 2.7-4.4 5.5-4.4s5 1.5 5.5 4.4M13 4.8a2.7 2.7 0 0 1 0 5M15 12.6c1.8.6 2.9 1.9 3.2 3.9" /></>);
export const HomeIcon = icon(<><path d="M3 9.5 10 3.5l7 6V17H3z" /><path d="M8 17v-5h4v5" /></>);
export const JobIcon = icon(<><path d="M4 5.5 5.2 6.7 7.5 4.2M4 11.5l1.2 1.2 2.3-2.5M10.5 5.5h6M10.5 11.5h6M10.5 16.5h6M4 16.5h2.5" /></>);
export const EventIcon = icon(<><path d="M10 5.5V10l3 2" /><circle cx="10" cy="10" r="7.5" /></>);
export const KeyIcon = icon(<><circle cx="7" cy="12.8" r="3.5" /><path d="m9.6 10.2 6.9-6.9M13.5 6.3l2.3 2.3" /></>);
export const LockIcon = icon(<><rect x="4" y="8.8" width="12" height="8.4" rx="1.5" /><path d="M6.5 8.8V6.3a3.5 3.5 0 0 1 7 0v2.5M10 12v2" /></>);
export const HelpIcon = icon(<><circle cx="10" cy="10" r="7.5" /><path d="M7.8 7.8a2.3 2.3 0 1 1 3.4 2c-.8.5-1.2 1-1.2 1.9M10 14.2v.1" /></>);
export const SunIcon = icon(<><circle cx="10" cy="10" r="3.3" /><path d="M10 2v1.8M10 16.2V18M2 10h1.8M16.2 10H18M4.3 4.3l1.3 1.3M14.4 14.4l1.3 1.3M15.7 4.3l-1.3 1.3M5.6 14.4l-1.3 1.3" /></>);
export const MoonIcon = icon(<path d="M16.8 11.9A7.2 7.2 0 1 1 8.1 3.2a5.7 5.7 0 0 0 8.7 8.7z" />);
export const HalfIcon = icon(<><circle cx="10" cy="10" r="7" /><path d="M10 3a7 7 0 0 1 0 14z" fill="currentColor" /></>);
export const OutIcon = icon(<><path d="M8 3.5H5A1.5 1.5 0 0 0 3.5 5v10A1.5 1.5 0 0 0 5 16.5h3M12.5 13.5 16 10l-3.5-3.5M16 10H8" /></>);
export const CloseIcon = icon(<path d="m5 5 10 10M15 5 5 15" />);
export const MoreIcon = icon(<><circle cx="10" cy="4.5" r="1" fill="currentColor" /><circle cx="10" cy="10" r="1" fill="currentColor" /><circle cx="10" cy="15.5" r="1" fill="currentColor" /></>);
export const MenuIcon = icon(<path d="M3 5.5h14M3 10h14M3 14.5h14" />);
export const PlusIcon = icon(<path d="M10 4v12M4 10h12" />);
export const BackIcon = icon(<path d="M12.5 4.5 7 10l5.5 5.5" />);
export const NextIcon = icon(<path d="M7.5 4.5 13 10l-5.5 5.5" />);
export const WarnIcon = icon(<><path d="M10 3 18 16.5H2z" /><path d="M10 8v3.8M10 14.2v.1" /></>);
export const InfoIcon = icon(<><circle cx="10" cy="10" r="7.5" /><path d="M10 9.3v4M10 6.5v.1" /></>);
export const DoneIcon = icon(<><circle cx="10" cy="10" r="7.5" /><path d="m6.8 10.2 2.2 2.2 4.2-4.6" /></>);
export const CopyIcon = icon(<><rect x="7" y="7" width="10" height="10" rx="1.5" /><path d="M13 4.5A1.5 1.5 0 0 0 11.5 3h-7A1.5 1.5 0 0 0 3 4.5v7A1.5 1.5 0 0 0 4.5 13" /></>);
export const ClipboardIcon = icon(<><rect x="4" y="4" width="12" height="13.5" rx="1.5" /><path d="M7.5 4V3.5a1 1 0 0 1 1-1h3a1 1 0 0 1 1 1V4M7.5 9h5M7.5 12.5h5" /></>);
export const FilesIcon = icon(<><path d="M2.5 16V5a1 1 0 0 1 1-1h4l2 2.5h7a1 1 0 0 1 1 1V16a.5.5 0 0 1-.5.5H3a.5.5 0 0 1-.5-.5z" /><path d="M8 14V9.2M6.3 10.8 8 9.1l1.7 1.7M12 9v4.8M10.3 12.2 12 13.9l1.7-1.7" /></>);
export const SoundIcon = icon(<path d="M3 7.8v4.4h3L10 15.5v-11L6 7.8zM12.7 7.3a3.8 3.8 0 0 1 0 5.4M15 5a7 7 0 0 1 0 10" />);
export const MutedIcon = icon(<path d="M3 7.8v4.4h3L10 15.5v-11L6 7.8zM13 8l4 4M17 8l-4 4" />);
export const FullIcon = icon(<path d="M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4" />);
export const SmallerIcon = icon(<path d="M7.5 3.5v4h-4M16.5 7.5h-4v-4M12.5 16.5v-4h4M3.5 12.5h4v4" />);
export const KeyboardIcon = icon(<><rect x="1.8" y="5" width="16.4" height="10" rx="1.5" /><path d="M5 8.3h.1M8.3 8.3h.1M11.7 8.3h.1M15 8.3h.1M5 11.7h.1M15 11.7h.1M8 11.7h4" /></>);
export const KeycapIcon = icon(<><rect x="3" y="2.5" width="14" height="15" rx="2.6" /><rect x="6" y="4.7" width="8" height="8" rx="1.6" /><path d="M4.3 16.2 6.6 12.3M15.7 16.2l-2.3-3.9" /></>);
export const LetterIcon = icon(<path d="M2.8 15.5 7 4.5l4.2 11M4.3 11.8h5.4M17 9.8v5.7M17 12.6a2.2 2.7 0 1 1-4.4 0 2.2 2.7 0 0 1 4.4 0M13.5 7.1h.1M16.2 7.1h.1" />);
export const SignalIcon = icon(<path d="M4 15.5v-2.5M8 15.5V10.5M12 15.5V7.5M16 15.5V4.5" />);
export const RefreshIcon = icon(<><path d="M16.5 8.5A7 7 0 0 0 4.3 6L3 7.5M3.5 11.5A7 7 0 0 0 15.7 14l1.3-1.5" /><path d="M3 3.8v3.7h3.7M17 16.2v-3.7h-3.7" /></>);
export const PowerIcon = icon(<><path d="M10 2.8v6.7" /><path d="M6 5.2a6.5 6.5 0 1 0 8 0" /></>);
export const TrashIcon = icon(<path d="M3.5 5.5h13M8 5.5V3.5h4v2M5.3 5.5l.7 11h8l.7-11M8.5 8.8v4.7M11.5 8.8v4.7" />);
export const SearchIcon = icon(<><circle cx="8.8" cy="8.8" r="5.3" /><path d="m12.8 12.8 4.2 4.2" /></>);
export const LinkIcon = icon(<><path d="M8.5 11.5a3.3 3.3 0 0 0 4.7 0l2.6-2.6a3.3 3.3 0 1 0-4.7-4.7l-.9.9" /><path d="M11.5 8.5a3.3 3.3 0 0 0-4.7 0l-2.6 2.6a3.3 3.3 0 1 0 4.7 4.7l.9-.9" /></>);
export const SettingsIcon = icon(<><path d="M3 6h8M15 6h2M3 14h2M9 14h8" /><circle cx="13" cy="6" r="2" /><circle cx="7" cy="14" r="2" /></>);
export const GlobeIcon = icon(<><circle cx="10" cy="10" r="7.3" /><path d="M2.7 10h14.6M10 2.7c4.4 4.6 4.4 10 0 14.6M10 2.7c-4.4 4.6-4.4 10 0 14.6" /></>);
