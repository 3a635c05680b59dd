/**
 * Tells a service to stop: on SIGINT, on SIGTERM, and when the supervisor that forked it is gone
 * (its IPC channel closes even on kill -9), so that no process outlives the command that started it.
 */

/** Aborts at the first request to stop. Later signals change nothing: shutting down has its own deadline. */
export function shutdownSignal(): AbortSignal {
  const controller = new AbortController()
  const stop = () => {
    // Listening for `disconnect` keeps the channel, and so the process, alive: let go of it now,
    // so that the process ends by itself once its work has.
    process.channel?.unref()
    controller.abort()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  process.on('disconnect', stop)
  return controller.signal
}
