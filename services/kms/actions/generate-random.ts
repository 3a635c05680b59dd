/** GenerateRandom: bytes from the operating system's generator; tied to no key. */

import { randomBytes } from 'node:crypto'
import { authorizeAccount } from '../authorize.ts'
import type { Action } from './action.ts'

export const generateRandom: Action = (request) => {
  const bytes = request.readMembers((read) => {
    const numberOfBytes = read.integer('NumberOfBytes', { min: 1, max: 1024 })
    // Optional in KMS's model, and yet refused when missing.
    if (numberOfBytes === undefined) read.refuse('NumberOfBytes is required.')
    return numberOfBytes ?? 0
  })
  authorizeAccount(request, request.operation)
  const plaintext = randomBytes(bytes)
  try {
    return { Plaintext: plaintext.toString('base64') }
  } finally {
    plaintext.fill(0)
  }
}
