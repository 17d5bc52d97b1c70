/** Answers in the form in which GT-Vision-Lab/VQA's `vqaEval.py` compares them. */

const SPACES = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u180e\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const OUTER = new RegExp(`^[${SPACES}]+|[${SPACES}]+$`, "g");
const BETWEEN = new RegExp(`[${SPACES}]+`);
const MARKS = [...'; / [ ] " { } ( ) = + \\ _ - > < @ ` , ? !'.replaceAll(" ", "")];
/** The original passes a flag where the number of replacements belongs. */
const MOST_PERIODS = 32;
const ARTICLES = new Set(["a", "an", "the"]);
const NUMBERS = new Map(
  ["none", "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"].map(
    (word, i) => [word, String(Math.max(0, i - 1))] as const,
  ),
);

/** A newline or tab becomes a space, and white space around the answer goes. */
export function trimAnswer(answer: string): string {
  return answer.replace(/[\n\t]/g, " ").replace(OUTER, "");
}

/** Without punctuation: a mark that touches a space anywhere is deleted, another becomes a space; periods go where no digit follows. */
export function withoutPunctuation(answer: string): string {
  const isNumber = /\p{Nd},\p{Nd}/u.test(answer);
  let text = answer;
  for (const mark of MARKS) {
    const touchesSpace = answer.includes(`${mark} `) || answer.includes(` ${mark}`);
    text = text.replaceAll(mark, touchesSpace || isNumber ? "" : " ");
  }
  let left = MOST_PERIODS;
  return text.replace(/\.(?![0-9])/g, (period) => (left-- > 0 ? "" : period));
}

/** Lower case, number words as digits, no articles, contractions with their apostrophe. */
export function plainWords(answer: string): string {
  return answer
    .toLowerCase()
    .split(BETWEEN)
    .filter((word) => word !== "")
    .map((word) => NUMBERS.get(word) ?? word)
    .filter((word) => !ARTICLES.has(word))
    .map((word) => contractions.get(word) ?? word)
    .join(" ");
}

/** Both steps after trimming. */
export function normalAnswer(answer: string): string {
  return plainWords(withoutPunctuation(answer));
}

/** As the original has them, odd ones too; those with capitals never match there. */
const contractions = new Map(
  `aint ain't,arent aren't,cant can't,couldve could've,couldnt couldn't,couldn'tve couldn't've,couldnt've couldn't've,
didnt didn't,doesnt doesn't,dont don't,hadnt hadn't,hadnt've hadn't've,hadn'tve hadn't've,hasnt hasn't,havent haven't,
hed he'd,hed've he'd've,he'dve he'd've,hes he's,howd how'd,howll how'll,hows how's,isnt isn't,itd it'd,itd've it'd've,
it'dve it'd've,itll it'll,maam ma'am,mightnt mightn't,mightnt've mightn't've,mightn'tve mightn't've,mightve might've,
mustnt mustn't,mustve must've,neednt needn't,notve not've,oclock o'clock,oughtnt oughtn't,ow's'at 'ow's'at,
'ows'at 'ow's'at,'ow'sat 'ow's'at,shant shan't,shed've she'd've,she'dve she'd've,shouldve should've,shouldnt shouldn't,
shouldnt've shouldn't've,shouldn'tve shouldn't've,somebody'd somebodyd,somebodyd've somebody'd've,
somebody'dve somebody'd've,somebodyll somebody'll,somebodys somebody's,someoned someone'd,someoned've someone'd've,
someone'dve someone'd've,someonell someone'll,someones someone's,somethingd something'd,somethingd've something'd've,
something'dve something'd've,somethingll something'll,thats that's,thered there'd,thered've there'd've,
there'dve there'd've,therere there're,theres there's,theyd they'd,theyd've they'd've,they'dve they'd've,theyll they'll,
theyre they're,theyve they've,twas 'twas,wasnt wasn't,wed've we'd've,we'dve we'd've,weve we've,werent weren't,
whatll what'll,whatre what're,whats what's,whatve what've,whens when's,whered where'd,wheres where's,whereve where've,
whod who'd,whod've who'd've,who'dve who'd've,wholl who'll,whos who's,whove who've,whyll why'll,whyre why're,whys why's,
wont won't,wouldve would've,wouldnt wouldn't,wouldnt've wouldn't've,wouldn'tve wouldn't've,yall y'all,yall'll y'all'll,
y'allll y'all'll,yall'd've y'all'd've,y'alld've y'all'd've,y'all'dve y'all'd've,youd you'd,youd've you'd've,
you'dve you'd've,youll you'll,youre you're,youve you've`
    .replaceAll("\n", "")
    .split(",")
    .map((pair) => pair.split(" ") as [string, string]),
);
