/**
 * Which errors say that a message has to wait for its KMS key, and how much else they say. Pure.
 *
 * Most are about the KMS key, so that all its messages wait without another question: it is disabled, pending
 * deletion, unknown, or KMS is out of reach or asks for fewer requests. "Denied" is about one data key: another
 * publisher may be allowed. Also, it is what KMS answers to a foreign encrypted data key beside a genuine key ARN, and
 * entries stored before their MAC covered the two can be given one. What is not genuine is no refusal: it never becomes
 * right.
 */

import { BrokerError } from '#shared/errors'

export function isKeyRefusal(error: unknown): error is BrokerError {
  return error instanceof BrokerError && error.code.startsWith('KMS_') && error.code !== 'KMS_INTEGRITY'
}

/** Whether the refusal is about one data key rather than all of its KMS key. */
export function isOfDataKeyAlone({ code }: BrokerError): boolean {
  return code === 'KMS_ACCESS_DENIED'
}
