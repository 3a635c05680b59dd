/** Questions to another thread that are answered later, by number. */

export interface Questions<Answer> {
  /** @param send puts the question, with the number that its answer is to bear */
  ask(send: (id: number) => void): Promise<Answer>
  /** One that nobody waits for is passed over. */
  answer(id: number, answer: Answer): void
}

/** @param o.withinMs a question that is not answered by then fails; without end unless told */
export function createQuestions<Answer>({ withinMs }: { withinMs?: number } = {}): Questions<Answer> {
  const open = new Map<number, (answer: Answer) => void>()
  let next = 0
  return {
    ask(send) {
      return new Promise((resolve, reject) => {
        const id = next++
        const timer =
          withinMs === undefined
            ? undefined
            : setTimeout(() => {
                open.delete(id)
                reject(new Error(`A thread did not answer within ${withinMs} ms`))
                // Not what keeps a process alive: whoever asked is gone when it ends.
              }, withinMs).unref()
        open.set(id, (answer) => {
          clearTimeout(timer)
          resolve(answer)
        })
        send(id)
      })
    },
    answer(id, answer) {
      open.get(id)?.(answer)
      open.delete(id)
    },
  }
}
