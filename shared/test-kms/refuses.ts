/** What a test expects of a refusal that reached it through the AWS SDK. */

import assert from 'node:assert/strict'

type SdkError = Error & { $metadata?: { httpStatusCode?: number; requestId?: string; attempts?: number } }

/** Asserts the error's name, and its text when given; `UnknownError` is what the SDK makes of none. */
export async function refuses(promise: Promise<unknown>, name: string, message?: string): Promise<void> {
  const error = await failure(promise)
  assert.equal(error.name, name, error.message)
  assert.equal(error.$metadata?.httpStatusCode, 400)
  assert.match(String(error.$metadata?.requestId), /^[0-9a-f-]{36}$/)
  assert.equal(error.$metadata?.attempts, 1)
  if (message !== undefined) assert.equal(error.message, message)
}

/** @returns what the promise was rejected with */
export async function failure(promise: Promise<unknown>): Promise<SdkError> {
  const error = await promise.then(
    () => assert.fail('expected a refusal'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Error)
  return error
}
