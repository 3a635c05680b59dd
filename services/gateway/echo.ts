/** Characters of a caller's value that a refusal repeats: enough to recognise it by. */
const ECHO_CHARACTERS = 128

/** Shortens what a refusal repeats: a request may be a megabyte, and its refusal should not be six. */
export function echo(value: string): string {
  return value.length > ECHO_CHARACTERS ? `${value.slice(0, ECHO_CHARACTERS)}…` : value
}
