/** The rules of the Penn Treebank tokenizer of Stanford CoreNLP 3.4.1, as far as captions need them: the longest match wins, then the first rule. */

/** A way to read one token at a place of the text. */
export interface PtbRule {
  /** Sticky. Group 1 is the token; what is matched after it counts for the length only. */
  readonly pattern: RegExp;
  /** The token that is written; default: the text as it is. */
  readonly written?: (text: string) => string;
  /** Characters at the end of the token that are read again. */
  readonly again?: number;
}

/** A part of a pattern whose letters are read in either case; letters in brackets keep theirs. */
function either(source: string): string {
  const inBrackets = /\[[^\]]*\]|\\[pPwsdbux]\{?[^}\s]*\}?|[a-zA-Z]/g;
  return source.replace(inBrackets, (part) =>
    /^[a-zA-Z]$/.test(part) ? `[${part.toLowerCase()}${part.toUpperCase()}]` : part,
  );
}

const LETTER = "[\\p{L}\\p{M}\\u00AD\\u02C2-\\u02DF]";
const DIGIT = "\\p{Nd}";
const ALNUM = `(?:${LETTER}|${DIGIT})`;
const SPACE = "[ \\t\\u00A0\\u2000-\\u200A\\u200B\\u3000\\n]";
const APOS = "['\\u0092\\u2019]";
const QUOTE = "['\\u0092\\u2019`\\u0091\\u2018\\u201B]";
const HYPHEN = "[-_\\u058A\\u2010\\u2011]";
const WORD = `${LETTER}${ALNUM}*(?:[.!?]${LETTER}${ALNUM}*)*`;
const NUMBER = `[-+]?(?:${DIGIT}+(?:[.:,\\u00AD\\u066B\\u066C]${DIGIT}+)*|(?:[.:,\\u00AD\\u066B\\u066C]${DIGIT}+)+)`;
const CLITIC = `${QUOTE}(?:${either("ve|re|ll|em|m|s|d")})`;
const NOT = `[nN]${QUOTE}[tT]`;
const ELISION = `(?:[dDoOlL]${QUOTE}${LETTER})`;
const THING = `${ELISION}?${ALNUM}+(?:${HYPHEN}${ELISION}?${ALNUM}+)*`;
const SLASHED = `${ALNUM}+(?:-${LETTER}+){0,2}(?:\\\\?/${ALNUM}+(?:-${LETTER}+){0,2}){1,2}`;
const ELIDED = [
  `${APOS}[nN]${APOS}?`,
  `[lLdDjJ]${APOS}`,
  either(`(?:Dunkin|somethin|ol)`) + APOS,
  `${APOS}(?:${either("em|till?|cause")})`,
  `[A-HJ-XZn]${QUOTE}\\p{L}{2}\\p{L}*`,
  `${APOS}[2-9]0[sS]`,
  `\\p{L}+[aeiouyAEIOUY]${QUOTE}[aeiouA-Z]\\p{L}*`,
  either("cont'd|nor'easter|c'mon|e'er|s'mores|ev'ry|li'l|nat'l"),
  `[oO]${QUOTE}[oO]`,
].join("|");

const MONTHS = "Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec";
const DAYS = "Mon|Tues?|Wed|Thurs?|Thu|Fri";
const STATES =
  "Calif|Mass|Conn|Fla|Ill|Mich|Pa|Va|Ariz|Tenn|Mo|Md|Wisc|Minn|Ind|Okla|Wash|Kan|Ga|Colo|Ky|Del|Ala|La|Nev|Neb|Ark|Miss|Vt|Wyo|Tex|Ore|Mont|Ct";
const COMPANIES = "Inc|Cos?|Corp|Pp?t[ye]s?|Ltd|Plc|Bancorp|Dept|Bhd|Assn|Univ|Intl|Sys";
const OTHERS = "Jr|Sr|Bros|(?:Ed|Ph)\\.D|Blvd|Rd|Esq|tel|est|ext|sq|ft|etc|ect|al|seq|Bldg";
/** A period after these is also the end of a sentence where a capital follows. */
const CLOSING = `(?:${either([MONTHS, DAYS, STATES, COMPANIES, OTHERS].join("|"))})\\.`;
const TITLES =
  "Mr|Mrs|Ms|Drs?|Profs?|Sens?|Reps?|Attys?|Lt|Col|Gen|Messrs|Govs?|Adm|Rev|Maj|Sgt|Cpl|Pvt|Mt|Capt|Ste?|Ave|Pres|Lieut|Hon|Brig|Co?mdr|Pfc|Spc|Supts?|Det";
const FURTHER = "Invt|Elec|Natl|M[ft]g|vs|etc|viz";
const INITIALS = "[A-Za-z](?:\\.[A-Za-z])*";
const HYPHENED = `${ALNUM}(?:${ALNUM}|[.,])*(?:-(?:${ALNUM}+|${INITIALS}\\.))+`;
const ACRONYM = `(?:${INITIALS}|${either("(?:Canada|Sino|Korean|EU|Japan|non)-U\\.S|U\\.S\\.-U\\.K")})\\.`;
const ABBREVIATION = `(?:${either(`(?:${TITLES}|${FURTHER})\\.`)}|${ACRONYM})`;
const NUMBERED = `(?:${either("ca|figs?|prop|nos?|arts?|bldg|prop|pp|op")})\\.`;
/** Words that start a sentence after an acronym. */
const OPENING =
  "A|About|According|Additionally|After|An|As|At|But|Earlier|He|Her|Here|However|If|In|It|Last|Many|More|Mr\\.|Ms\\.|Now|Once|One|Other|Our|She|Since|So|Some|Such|That|The|Their|Then|There|These|They|This|We|When|While|What|Yet|You";

const PHONE =
  "(?:(?:\\([0-9]{2,3}\\)[ \\u00A0]?|(?:\\+\\+?)?(?:[0-9]{2,4}[- \\u00A0])?[0-9]{2,4}[- \\u00A0])[0-9]{3,4}[- \\u00A0]?[0-9]{3,5}|(?:(?:\\+\\+?)?[0-9]{2,4}\\.)?[0-9]{2,4}\\.[0-9]{3,4}\\.[0-9]{3,5})";
const URL = `(?:https?|ftp)://[^ \\t\\n\\f\\r"<>|()]+[^ \\t\\n\\f\\r"<>|.!?(){},-]`;
const SITE =
  '(?:www\\.(?:[^ \\t\\n\\f\\r"<>|.!?(){},]+\\.)+[a-zA-Z]{2,4}|(?:[^ \\t\\n\\f\\r"`\'<>|.!?(){},\\-$]+\\.)+(?:com|net|org|edu))(?:/[^ \\t\\n\\f\\r"<>|()]+[^ \\t\\n\\f\\r"<>|.!?(){},-])?';
const MAIL =
  '(?:&lt;|<)?[a-zA-Z0-9][^ \\t\\n\\f\\r"<>|()\\u00A0]*@(?:[^ \\t\\n\\f\\r"<>|().\\u00A0]+\\.)*[^ \\t\\n\\f\\r"<>|().\\u00A0]+(?:&gt;|>)?';
const TAG = "<(?:/?[A-Za-z][^<>\\n]*|[!?][A-Za-z-][^<>\\n]*)>";
const SMILEY = "[<>]?[:;=][-o*']?[()DPdpO\\\\{@|\\[\\]]";
const SYMBOLS =
  "[+%&~^|\\\\\\u00A6\\u00A7\\u00A8\\u00A9\\u00AC\\u00AE\\u00AF\\u00B0-\\u00B3\\u00B4-\\u00BA\\u00D7\\u00F7\\u0387\\u05BE\\u05C0\\u05C3\\u05C6\\u05F3\\u05F4\\u0600-\\u0603\\u0606-\\u060A\\u060C\\u0614\\u061B\\u061E\\u066A\\u066D\\u0703-\\u070D\\u07F6-\\u07F8\\u0964\\u0965\\u0E4F\\u1FBD\\u2016\\u2017\\u2020-\\u2023\\u2030-\\u2038\\u203B\\u203E-\\u2042\\u2044\\u207A-\\u207F\\u208A-\\u208E\\u2100-\\u214F\\u2190-\\u21FF\\u2200-\\u2BFF\\u3012\\u30FB\\uFF01-\\uFF0F\\uFF1A-\\uFF20\\uFF3B-\\uFF40\\uFF5B-\\uFF65]";

const withoutSoftHyphens = (text: string) => text.replaceAll("\u00AD", "");
const unbroken = (text: string) => text.replaceAll(" ", "\u00A0");
const straight = (text: string) =>
  text.replace(/[\u0091\u2018\u0092\u2019\u201B]/g, "'").replace(/[\u0093\u201C\u0094\u201D]/g, '"');
const opening = (text: string) => text.replace(/[\u0091\u2018\u201B']/g, "`").replace(/["\u0093\u201C]|&quot;/g, "``");
const curly = (text: string) =>
  text
    .replace(/[\u0091\u2018\u201B\u2039]/g, "`")
    .replace(/[\u0092\u2019\u203A]/g, "'")
    .replace(/[\u0093\u201C\u00AB]/g, "``")
    .replace(/[\u0094\u201D\u00BB"]|&quot;/g, "''");
const brackets: Record<string, string> = {
  "(": "-LRB-",
  ")": "-RRB-",
  "[": "-LSB-",
  "]": "-RSB-",
  "{": "-LCB-",
  "}": "-RCB-",
};
const bracketed = (text: string) => text.replace(/[()[\]{}]/g, (bracket) => brackets[bracket]!);
const smiling = (text: string) => text.replace(/[()]/g, (bracket) => brackets[bracket]!);
const dashes = (text: string) => (text.length > 2 && text.length < 5 ? "--" : text);
const currency = (text: string) =>
  text === "\u00A2" ? "cents" : text === "\u00A3" ? "#" : text === "\u20AC" || text === "\u0080" ? "$" : text;
const fractions: Record<string, string> = { "¼": "1/4", "½": "1/2", "¾": "3/4", "⅓": "1/3", "⅔": "2/3" };

function rule(token: string, options: Omit<PtbRule, "pattern"> & { after?: string } = {}): PtbRule {
  const { after = "", ...rest } = options;
  return { pattern: new RegExp(`(${token})${after}`, "uy"), ...rest };
}

/** In the order in which equals are preferred. */
export const ptbRules: readonly PtbRule[] = [
  rule(either("cannot|'twas"), { again: 3 }),
  rule(either("'tis|gonna|gotta|lemme|gimme|wanna"), { after: `[^\\p{L}]`, again: 2 }),
  rule(TAG, { written: unbroken }),
  rule("&(?:MD|mdash|ndash);|[\\u0096\\u0097\\u2013\\u2014\\u2015]", { written: () => "--" }),
  rule(either("&amp;"), { written: () => "&" }),
  rule(`&(?:${either("HT|TL|UR|LR|QC|QL|QR|odq|cdq")}|#[0-9]+);`),
  rule(WORD, { after: CLITIC, written: withoutSoftHyphens }),
  rule(`[\\p{L}\\u00AD]*[A-MO-Za-mo-z]\\u00AD*`, { after: NOT, written: withoutSoftHyphens }),
  rule(WORD, { written: withoutSoftHyphens }),
  rule(ELIDED, { written: straight }),
  rule(`[yY]${APOS}`, { after: "\\p{L}", written: straight }),
  rule(URL),
  rule(SITE, { after: "[^\\p{L}]" }),
  rule(MAIL),
  rule("@[a-zA-Z_][a-zA-Z_0-9]*|#\\p{L}+"),
  rule(CLITIC, { after: "[^A-Za-z]", written: straight }),
  rule(NOT, { after: "[^A-Za-z]", written: straight }),
  rule("[0-9]{1,2}[-/][0-9]{1,2}[-/][0-9]{2,4}"),
  rule(NUMBER, { written: withoutSoftHyphens }),
  rule("[\\u207A\\u207B\\u208A\\u208B]?(?:[\\u2070\\u00B9\\u00B2\\u00B3\\u2074-\\u2079]+|[\\u2080-\\u2089]+)"),
  rule("(?:[0-9]{1,4}[- \\u00A0])?[0-9]{1,4}\\\\?/[0-9]{1,4}", { written: unbroken }),
  rule("[\\u00BC\\u00BD\\u00BE\\u2153-\\u215E]", { written: (text) => fractions[text] ?? text }),
  rule("-(?:RRB|LRB|RCB|LCB|RSB|LSB)-|C\\.D\\.s|pro-|anti-|S&P-500|S&Ls|Cap'n|[cC]\\+\\+|[cC]#"),
  rule(`${APOS}[0-9][0-9]`, { after: SPACE, written: straight }),
  rule(SLASHED),
  rule("[A-Z]*\\$|#"),
  rule("[\\u00A2\\u00A3\\u00A4\\u00A5\\u0080\\u20A0\\u20AC]", { written: currency }),
  rule(ACRONYM, { after: `${SPACE}(?:${OPENING})${SPACE}`, again: -1 }),
  rule(NUMBERED, { after: `${SPACE}?${DIGIT}` }),
  rule(CLOSING, { after: `${SPACE}(?:${SPACE}|\\p{Lu})`, again: -1 }),
  rule(CLOSING, { after: "[\\s\\S]{2}" }),
  rule(CLOSING, { again: -1 }),
  rule(ABBREVIATION),
  rule(either("(?:pt[ey]|co)\\."), { after: `${SPACE}(?:${either("ltd|lim")})` }),
  rule(`${WORD}\\.`, { after: "[,;:\\u3001]", written: withoutSoftHyphens }),
  rule(PHONE, { written: (text) => bracketed(unbroken(text)) }),
  rule(`["\\u201C\\u0093]|&quot;`, { after: "[A-Za-z0-9$]", written: () => "``" }),
  rule(`"|&quot;`, { written: () => "''" }),
  rule("<<|>>"),
  rule("<|&lt;", { written: () => "<" }),
  rule(">|&gt;", { written: () => ">" }),
  rule(SMILEY, { after: "[^A-Za-z]", written: smiling }),
  rule("[{}()[\\]]", { written: bracketed }),
  rule("-+", { written: dashes }),
  rule("\\.{3,5}|(?:\\.[ \\u00A0]){2,4}\\.|[\\u0085\\u2026]", { written: () => "..." }),
  rule("@+|#+|_+"),
  rule("\\*+|(?:\\\\\\*){1,3}"),
  rule("[,;:\\u3001]"),
  rule("[?!]+"),
  rule("[.\\u00A1\\u00BF\\u037E\\u0589\\u061F\\u06D4\\u0700-\\u0702\\u07FA\\u3002]+"),
  rule("="),
  rule("/"),
  rule(`${HYPHENED}\\.`, { after: "[,;:\\u3001]", written: withoutSoftHyphens }),
  rule(HYPHENED, { written: withoutSoftHyphens }),
  rule(`${THING}\\.`, { after: "[,;:\\u3001]", written: (text) => withoutSoftHyphens(straight(text)) }),
  rule(THING, { written: (text) => withoutSoftHyphens(straight(text)) }),
  rule("[A-Z]+(?:(?:[+&]|&amp;)[A-Z]+)+", { written: (text) => text.replaceAll("&amp;", "&") }),
  rule("'", { after: "[A-Za-z][^ \\t\\n\\r\\u00A0]", written: opening }),
  rule(CLITIC, { written: straight }),
  rule("['`\\u0092\\u2019\\u0091\\u2018-\\u201F\\u0093\\u0094\\u2039\\u203A\\u00AB\\u00BB]{1,2}", { written: curly }),
  rule(SYMBOLS),
];
