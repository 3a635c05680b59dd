import { MAX_ECHO_CHARACTERS } from './limits.ts'

/** Shortens what a refusal repeats: a request may be a megabyte, and its refusal should not be six. */
export function echo(value: string): string {
  return value.length > MAX_ECHO_CHARACTERS ? `${value.slice(0, MAX_ECHO_CHARACTERS)}…` : value
}
