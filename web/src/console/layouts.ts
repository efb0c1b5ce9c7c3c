// Keyboard layouts of the desktop: which key, with Shift or AltGr, makes which character. Made from the tables of
// xkeyboard-config. `levels` are the keys alone, with Shift, with AltGr and with both, in the order of `layoutCodes`;
// a combining accent is a dead key, a space is nothing.
import { t } from '../language.ts';

export interface Layout {
  id: string;
  name: string;
  levels: readonly string[];
}

export const layoutCodes: readonly string[] = [
  'Backquote', 'Digit1', 'Digit2', 'Digit3', 'Digit4', 'Digit5', 'Digit6', 'Digit7', 'Digit8', 'Digit9',
  'Digit0', 'Minus', 'Equal',
  'KeyQ', 'KeyW', 'KeyE', 'KeyR', 'KeyT', 'KeyY', 'KeyU', 'KeyI', 'KeyO', 'KeyP', 'BracketLeft',
  'BracketRight',
  'KeyA', 'KeyS', 'KeyD', 'KeyF', 'KeyG', 'KeyH', 'KeyJ', 'KeyK', 'KeyL', 'Semicolon', 'Quote', 'Backslash',
  'IntlBackslash', 'KeyZ', 'KeyX', 'KeyC', 'KeyV', 'KeyB', 'KeyN', 'KeyM', 'Comma', 'Period', 'Slash',
];

export const layouts: readonly Layout[] = [
  {
    id: 'us',
    name: t('English (US)'),
    levels: [
      '`1234567890-=qwertyuiop[]asdfghjkl;\'\\ zxcvbnm,./',
      '~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"| ZXCVBNM<>?',
    ],
  },
  {
    id: 'us-intl',
    name: t('English (US, international)'),
    levels: [
      '\u03001234567890-=qwertyuiop[]asdfghjkl;\u0301\\ zxcvbnm,./',
      '\u0303!@#$%\u0302&*()_+QWERTYUIOP{}ASDFGHJKL:\u0308| ZXCVBNM<>?',
      '`¡²³¤€¼½¾‘’¥×äåé®þüúíóö«»áßðfghjœø¶\'¬ æx©vbñµç\u0307¿',
      '~¹\u030b\u0304£\u0327^ \u0328\u0306\u030a ÷ÄÅÉ®ÞÜÚÍÓÖ“”Á§ÐFGHJŒØ°"¦ ÆX¢VBÑµÇ\u030c ',
    ],
  },
  {
    id: 'gb',
    name: t('English (UK)'),
    levels: [
      '`1234567890-=qwertyuiop[]asdfghjkl;\'#\\zxcvbnm,./',
      '¬!"£$%^&*()_+QWERTYUIOP{}ASDFGHJKL:@~|ZXCVBNM<>?',
      '|¹²³€½¾{[]}\\\u0327@ſe¶ŧ←↓→øþ\u0308\u0303æßðđŋħ ĸł\u0301\u0302\u0300|«»¢„“”µ•· ',
      '|¡⅛£¼⅜⅝⅞™±°¿\u0328Ω§E®Ŧ¥↑ıØÞ\u030a\u0304ÆẞÐªŊĦ &Ł\u030b\u030c\u0306¦<>©‚‘’º×÷\u0307',
    ],
  },
  {
    id: 'de',
    name: t('German'),
    levels: [
      '\u03021234567890ß\u0301qwertzuiopü+asdfghjklöä#<yxcvbnm,.-',
      '°!"§$%&/()=?\u0300QWERTZUIOPÜ*ASDFGHJKLÖÄ\'>YXCVBNM;:_',
      '′¹²³¼½¬{[]}\\\u0327@ſ€¶ŧ←↓→øþ\u0308~æſðđŋħ ĸł\u030b\u0302’|»«¢„“”µ·…–',
      '″¡⅛£¤⅜⅝⅞™±°¿\u0328Ω§€®Ŧ¥↑ıØÞ\u030a¯ÆẞÐªŊĦ\u0307&Ł \u030c\u0306 ›‹©‚‘’º×÷—',
    ],
  },
  {
    id: 'ch',
    name: t('Swiss German'),
    levels: [
      '§1234567890\'\u0302qwertzuiopü\u0308asdfghjklöä$<yxcvbnm,.-',
      '°+"*ç%&/()=?\u0300QWERTZUIOPè!ASDFGHJKLéà£>YXCVBNM;:_',
      '¬|@#¼½¬|¢]}\u0301\u0303@ſ€¶ŧ←↓→œþ[]æßðđŋħ ĸł\u0301{}\\«»¢„“”µ•· ',
      '¬¡⅛£$⅜⅝⅞™±°¿\u0328Ω§E®Ŧ¥↑ıŒÞ\u030a\u0304ÆẞÐªŊĦ &Ł\u030b\u030c\u0306¦<>©‚‘’º×÷\u0307',
    ],
  },
  {
    id: 'ch-fr',
    name: t('Swiss French'),
    levels: [
      '§1234567890\'\u0302qwertzuiopè\u0308asdfghjkléà$<yxcvbnm,.-',
      '°+"*ç%&/()=?\u0300QWERTZUIOPü!ASDFGHJKLöä£>YXCVBNM;:_',
      '¬|@#¼½¬|¢]}\u0301\u0303@ſ€¶ŧ←↓→œþ[]æßðđŋħ ĸł\u0301{}\\«»¢„“”µ•· ',
      '¬¡⅛£$⅜⅝⅞™±°¿\u0328Ω§E®Ŧ¥↑ıŒÞ\u030a\u0304ÆẞÐªŊĦ &Ł\u030b\u030c\u0306¦<>©‚‘’º×÷\u0307',
    ],
  },
  {
    id: 'fr',
    name: t('French'),
    levels: [
      '²&é"\'(-è_çà)=azertyuiop\u0302$qsdfghjklmù*<wxcvbn,;:!',
      '~1234567890°+AZERTYUIOP\u0308£QSDFGHJKLM%µ>WXCVBN?./§',
      '¬¹~#{[|`\\^@]}æ«€¶ŧ←↓→øþ\u0308¤@ßðđŋħ ĸłµ\u0302\u0300|ł»¢„“”\u0301•· ',
      '¬¡⅛£$⅜⅝⅞™±°¿\u0328Æ<¢®Ŧ¥↑ıØÞ\u030a\u0304ΩẞÐªŊĦ &Łº\u030c\u0306¦Ł>©‚‘’\u030b×÷\u0307',
    ],
  },
  {
    id: 'be',
    name: t('Belgian'),
    levels: [
      '²&é"\'(§è!çà)-azertyuiop\u0302$qsdfghjklmùµ<wxcvbn,;:=',
      '³1234567890°_AZERTYUIOP\u0308*QSDFGHJKLM%£>WXCVBN?./+',
      '¬|@#¼½^{[{}\\\u0327@ſ€¶ŧ←↓→œþ[]æßðđŋħ ĸł\u0301\u0301\u0300\\«»¢„“”\u0327•·\u0303',
      '¬¡⅛£$⅜⅝⅞™±°¿\u0328Ω§¢®Ŧ¥↑ıŒÞ\u030a\u0304ÆẞÐªŊĦ &Ł\u030b\u030c\u0306\\<>©‚‘’º×÷\u0307',
    ],
  },
  {
    id: 'es',
    name: t('Spanish'),
    levels: [
      'º1234567890\'¡qwertyuiop\u0300+asdfghjklñ\u0301ç<zxcvbnm,.-',
      'ª!"·$%&/()=?¿QWERTYUIOP\u0302*ASDFGHJKLÑ\u0308Ç>ZXCVBNM;:_',
      '\\|@#~½¬{[]}\\\u0327@ſ€¶ŧ←↓→øþ[]æßðđŋħ ĸł\u0303{}|«»¢„“”µ•· ',
      '\\¡⅛£$⅜⅝⅞™±°¿\u0328Ω§¢®Ŧ¥↑ıØÞ\u030a\u0304ÆẞÐªŊĦ &Ł\u030b\u030c\u0306¦<>©‚‘’º×÷\u0307',
    ],
  },
  {
    id: 'it',
    name: t('Italian'),
    levels: [
      '\\1234567890\'ìqwertyuiopè+asdfghjklòàù<zxcvbnm,.-',
      '|!"£$%&/()=?^QWERTYUIOPé*ASDFGHJKLç°§>ZXCVBNM;:_',
      '¬¹²³¼½¬{[]}`~@ſ€¶ŧ←↓→øþ[]æßðđŋħ ĸł@#\u0300««»¢“”ñµ\u0301·\u0304',
      '¦¡\u030b\u0303⅛⅜⅝⅞™±\u0328¿\u0302Ω§¢®Ŧ¥↑ıØÞ{}ÆẞÐªŊĦ &Ł\u0327\u030a\u0306»<>©‘’Ñº×\u0308÷',
    ],
  },
  {
    id: 'pt',
    name: t('Portuguese'),
    levels: [
      '\\1234567890\'«qwertyuiop+\u0301asdfghjklçº\u0303<zxcvbnm,.-',
      '|!"#$%&/()=?»QWERTYUIOP*\u0300ASDFGHJKLÇª\u0302>ZXCVBNM;:_',
      '¬¹@£§½¬{[]}\\\u0327@ſ€¶ŧ←↓→øþ\u0308\u0303æßðđŋħ ĸł\u0301\u0302\u0300\\«»¢„“”µ•· ',
      '¬¡⅛£$⅜⅝⅞™±°¿\u0328Ω§¢®Ŧ¥↑ıØÞ\u030a\u0304ÆẞÐªŊĦ &Ł\u030b\u030c\u0306\\<>©‚‘’º×÷\u0307',
    ],
  },
  {
    id: 'br',
    name: t('Brazilian'),
    levels: [
      '\'1234567890-=qwertyuiop\u0301[asdfghjklç\u0303]\\zxcvbnm,.;',
      '"!@#$%\u0308&*()_+QWERTYUIOP\u0300{ASDFGHJKLÇ\u0302}|ZXCVBNM<>:',
      '¬¹²³£¢¬{[]}\\§/?°®ŧ←↓→øþ´ªæßðđŋħ ĸł\u0301~º\u030c«»©„“”µ•· ',
      '¬¡½¾¼⅜¨⅞™±°¿\u0328/?°®Ŧ¥↑ıØÞ`\u0304ÆẞÐªŊĦ &Ł\u030b^º\u0306<>©‚‘’µ×÷\u0307',
    ],
  },
  {
    id: 'se',
    name: t('Swedish'),
    levels: [
      '§1234567890+\u0301qwertyuiopå\u0308asdfghjklöä\'<zxcvbnm,.-',
      '½!"#¤%&/()=?\u0300QWERTYUIOPÅ\u0302ASDFGHJKLÖÄ*>ZXCVBNM;:_',
      '¶¡@£$€¥{[]}\\±@ſ€®þ←↓→œþ\u0308\u0303ªßðđŋħ ĸłøæ´|«»©„“”µ\u0327· ',
      '¾¹²³¼¢⅝÷«»°¿¬Ω§¢®Þ¥↑ıŒÞ\u030a\u030cºẞÐªŊĦ &ŁØÆ×¦<>©‚‘’º\u0328\u0307\u0307',
    ],
  },
  {
    id: 'no',
    name: t('Norwegian'),
    levels: [
      '|1234567890+\\qwertyuiopå\u0308asdfghjkløæ\'<zxcvbnm,.-',
      '§!"#¤%&/()=?\u0300QWERTYUIOPÅ\u0302ASDFGHJKLØÆ*>ZXCVBNM;:_',
      '¦¡@£$½¥{[]}±\u0301@ſ€®þ←↓→œπ\u0308\u0303ªßðđŋħ ĸł\u0301\u0302\u030b½«»©„“”µ\u0327…–',
      '¶¹²³¼‰⅝÷«»°¿¬Ω§¢™Þ¥↑ıŒΠ\u030a\u030cºẞÐªŊĦ &Ł\u030b\u030c×¾<>©‚‘’º\u0328·—',
    ],
  },
  {
    id: 'dk',
    name: t('Danish'),
    levels: [
      '½1234567890+\u0301qwertyuiopå\u0308asdfghjklæø\'<zxcvbnm,.-',
      '§!"#¤%&/()=?\u0300QWERTYUIOPÅ\u0302ASDFGHJKLÆØ*>ZXCVBNM;:_',
      '¾¡@£$½¥{[]}±|@ſ€®þ←↓→œþ\u0308\u0303ªßðđŋħ ĸł\u0301\u0302\u030b\\«»©„“”µ\u0327· ',
      '¶¹²³¼¢⅝÷«»°¿¦Ω§¢®Þ¥↑ıŒÞ\u030a\u030cºẞÐªŊĦ &Ł\u030b\u030c×¬<>©‚‘’º\u0328\u0307\u0307',
    ],
  },
  {
    id: 'fi',
    name: t('Finnish'),
    levels: [
      '§1234567890+\u0301qwertyuiopå\u0308asdfghjklöä\'<zxcvbnm,.-',
      '½!"#¤%&/()=?\u0300QWERTYUIOPÅ\u0302ASDFGHJKLÖÄ*>ZXCVBNM;:_',
      '\u0338 @£$‰‚{[]}\\\u0327qw€rþyuıœ \u030b\u0303əßðfghjĸ\u0338øæ\u030c|ʒ×cvbŋµ’ –',
      ' ¡”»«“„ <>°¿\u0328QW RÞYU|Œ \u030a\u0304ƏẞÐFGHJ  ØÆ\u0306¦Ʒ·CVBŊ—‘\u0307 ',
    ],
  },
  {
    id: 'pl',
    name: t('Polish'),
    levels: [
      '`1234567890-=qwertyuiop[]asdfghjkl;\'\\<zxcvbnm,./',
      '~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"|>ZXCVBNM<>?',
      '¬≠²³¢€½§·«»–\u0327πœę©ß←↓→óþ\u0308\u0303ąśðæŋ’ə…ł\u0301\u0302\u0300|żźć„”ńµ≤≥ ',
      '∨¡¿£¼‰∧≈¾±°—\u0328ΩŒĘ®™¥↑↔ÓÞ\u030a\u0304ĄŚÐÆŊ•Ə\u0338Ł\u030b\u030c\u0306¦ŻŹĆ‘“Ń∞×÷\u0307',
    ],
  },
];
