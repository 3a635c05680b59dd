/** A running redis-server, whichever way it was started. */
export interface Server {
  /** As this host sees it. */
  readonly pid: number
  readonly exited: Promise<unknown>
  /** Has reached the server when it returns; does nothing when that is gone. */
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void
}
