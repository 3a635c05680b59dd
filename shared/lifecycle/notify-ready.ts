/** Tells the supervisor, where there is one, that this service answers. */
export function notifyReady(): void {
  process.send?.({ kind: 'ready' })
}
