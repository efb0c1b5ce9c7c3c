// What we use of @novnc/novnc 1.7.0 (docs/API.md). Members with an underscore are its inside: each use guards against
// their absence, and package.json pins the version.
declare module '@novnc/novnc' {
  export interface RfbOptions {
    shared?: boolean;
    credentials?: { username?: string; password?: string; target?: string };
    wsProtocols?: string[];
  }

  export interface RawChannel {
    binaryType: string;
    readonly protocol: string;
    readonly readyState: number | string;
    onopen: (() => void) | null;
    onmessage: ((event: { data: ArrayBuffer }) => void) | null;
    onclose: ((event: { code: number; reason: string }) => void) | null;
    onerror: ((event: unknown) => void) | null;
    send(data: ArrayBufferView | ArrayBuffer): void;
    close(): void;
  }

  export interface RfbSock {
    rQpeek8(): number;
    rQpeekBytes(length: number): Uint8Array;
    rQshiftBytes(length: number): Uint8Array<ArrayBuffer>;
    rQskipBytes(length: number): void;
    rQwait(what: string, length: number): boolean;
    sQpush8(value: number): void;
    sQpush16(value: number): void;
    sQpush32(value: number): void;
    flush(): void;
  }

  export default class RFB extends EventTarget {
    constructor(target: HTMLElement, channel: string | RawChannel, options?: RfbOptions);
    background: string;
    clipViewport: boolean;
    compressionLevel: number;
    dragViewport: boolean;
    focusOnClick: boolean;
    qualityLevel: number;
    resizeSession: boolean;
    scaleViewport: boolean;
    showDotCursor: boolean;
    viewOnly: boolean;
    readonly clippingViewport: boolean;
    blur(): void;
    clipboardPasteFrom(text: string): void;
    disconnect(): void;
    focus(options?: FocusOptions): void;
    sendCtrlAltDel(): void;
    sendKey(keysym: number, code: string | null, down?: boolean): void;
    toBlob(callback: (blob: Blob | null) => void, type?: string, quality?: number): void;
    static messages: { clientEncodings(sock: RfbSock, encodings: number[]): void };
    _FBU: { rects: number; encoding: number | null };
    _sock: RfbSock;
    _fail(why: string): boolean;
    _handleRect(): boolean;
    _normalMsg(): boolean;
    _sendEncodings(): void;
    _display?: { flip?: (fromQueue?: boolean) => void };
  }
}

declare const ORIEL_VERSION: string;

declare module '*.css' {}
declare module '*.worklet.js' {
  const url: string;
  export default url;
}
declare module '*.svg' {
  const url: string;
  export default url;
}
