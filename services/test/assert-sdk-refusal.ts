import assert from 'node:assert/strict'

/** Asserts that the SDK throws the exception class of that name, with status, request id and text. */
export async function assertSdkRefusal(
  send: () => Promise<unknown>,
  name: string,
  status: number,
  message: string | RegExp = /./,
): Promise<void> {
  await assert.rejects(send, (error) => {
    assert.ok(error instanceof Error && '$metadata' in error, String(error))
    const { httpStatusCode, requestId } = error.$metadata as { httpStatusCode?: number; requestId?: string }
    assert.deepEqual([error.name, error.constructor.name, httpStatusCode], [name, name, status], error.message)
    assert.match(requestId ?? '', /^[0-9a-f-]{36}$/)
    if (typeof message === 'string') assert.equal(error.message, message)
    else assert.match(error.message, message)
    return true
  })
}
