/** A command as one can type it again in a shell. Pure. */

const NEEDS_NO_QUOTES = /^[\w@%+=:,./-]+$/

/** @param words of the command, as the program got them */
export function showCommand(words: readonly string[]): string {
  return words.map((word) => (NEEDS_NO_QUOTES.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')
}
