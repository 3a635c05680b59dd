/**
 * The two answers of the AWS Query protocol: a result, or an error.
 *
 * STS speaks the same protocol under its own namespace, hence the argument. SNS API reference, "Making API requests".
 */

import type { Fault } from '#shared/errors'
import { writeXml, type XmlNode } from './xml.ts'

const SNS_NAMESPACE = 'http://sns.amazonaws.com/doc/2010-03-31/'

/** @param result undefined for the actions that have no result element; an empty list gives an empty one */
export function encodeResponse(o: {
  action: string
  result: XmlNode | undefined
  requestId: string
  namespace?: string | undefined
}): string {
  const metadata = ['ResponseMetadata', [['RequestId', o.requestId]]] as const
  return writeXml({
    root: `${o.action}Response`,
    namespace: o.namespace ?? SNS_NAMESPACE,
    content: o.result === undefined ? [metadata] : [[`${o.action}Result`, o.result], metadata],
  })
}

export function encodeError(o: {
  code: string
  message: string
  fault: Fault
  requestId: string
  namespace?: string | undefined
}): string {
  const type = o.fault === 'sender' ? 'Sender' : 'Receiver'
  return writeXml({
    root: 'ErrorResponse',
    namespace: o.namespace ?? SNS_NAMESPACE,
    content: [
      [
        'Error',
        [
          ['Type', type],
          ['Code', o.code],
          ['Message', o.message],
        ],
      ],
      ['RequestId', o.requestId],
    ],
  })
}
