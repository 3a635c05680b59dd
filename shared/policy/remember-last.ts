/** Remembers what was read last: several statements ask about the same value of one request. */

/** @param read a pure function */
export function rememberLast<T>(read: (text: string) => T): (text: string) => T {
  let last: { text: string; value: T } | undefined
  return (text) => {
    if (last === undefined || last.text !== text) last = { text, value: read(text) }
    return last.value
  }
}
