/** Bounds a call from without, for callers that have waited already and have less time left than the call would take. */

/**
 * @param o.withinMs from now, in real time
 * @param o.tooLate what to throw then
 * @param o.discard gets an answer that nobody waits for any more
 */
export async function inTime<T>(
  call: Promise<T>,
  o: { withinMs: number; tooLate: () => Error; discard: (late: T) => void },
): Promise<T> {
  let isLate = false
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true
      reject(o.tooLate())
    }, o.withinMs)
  })
  call.then(
    (answer) => {
      if (isLate) o.discard(answer)
    },
    () => undefined,
  )
  try {
    return await Promise.race([call, deadline])
  } finally {
    clearTimeout(timer)
  }
}
