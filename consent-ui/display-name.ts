/** Controls, format characters (bidi overrides, joiners, tags), fillers and private-use code points. */
const invisible = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}]/gu;
/** More than two combining marks on one letter draw over the lines around it. */
const stackedMarks = /(\p{M}{2})\p{M}+/gu;
const graphemes = new Intl.Segmenter('en-GB', { granularity: 'grapheme' });

/**
 * Text for a developer to read as it was sent: what cannot be seen is written as its code point,
 * so that it cannot make the rest of the line look like something else.
 */
export function showInvisible(text: string): string {
  return text.replace(invisible, (character) =>
    character === '\n' ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/**
 * A name or text from a client, a bank or a person, made safe to show beside our own words: what
 * cannot be seen or would reorder the line is gone, and the length is bounded, so that nobody can
 * make a page say something it does not (Unicode TR 36, section 2.5; HTML is escaped by Preact).
 * @param maxLength in user-perceived characters; what is cut off is shown as an ellipsis
 * @returns the text, or "Unnamed" where nothing visible is left
 */
export function displayName(text: string, maxLength = 60): string {
  const visible = text
    // A grapheme is rarely above 16 code units; this bounds the work on a megabyte of input.
    .slice(0, maxLength * 16)
    .toWellFormed()
    .normalize('NFC')
    .replace(/\s+/gu, ' ')
    .replace(invisible, '')
    .replace(stackedMarks, '$1')
    .trim();
  if (visible === '') return 'Unnamed';
  const characters = Array.from(graphemes.segment(visible), ({ segment }) => segment);
  if (characters.length <= maxLength) return visible;
  return `${characters
    .slice(0, maxLength - 1)
    .join('')
    .trimEnd()}…`;
}
