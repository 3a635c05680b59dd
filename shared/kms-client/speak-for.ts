/**
 * Names whom the broker speaks for, in the step before signing: the local KMS believes it of the broker alone. AWS KMS is
 * told nothing of ours.
 *
 * | header | holds |
 * |---|---|
 * | `x-sealcast-on-behalf-of` | ARN of the publisher, of a session its role's; or the name of a service |
 * | `x-sealcast-session-policy` | what a session may do at most: the document in base64 |
 * | `x-sealcast-session-tags` | the session's own tags: a JSON object in base64 |
 * | `x-sealcast-source-identity` | who is behind the session |
 * | `x-sealcast-source-arn`, `x-sealcast-source-account` | for whom a service acts |
 * | `x-sealcast-purpose` | why KMS is asked |
 */

import type { KMSClient, ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-kms'
import type { KmsPurpose } from './purposes.ts'

/** What KMS has to know of a publisher besides who it is. */
export interface PublisherGrounds {
  /** Of a role session: what it may do at most, in JSON. */
  readonly sessionPolicy?: string | undefined
  /** Of a role session: the tags that are its own, its role's not among them. */
  readonly sessionTags?: Readonly<Record<string, string>> | undefined
  readonly sourceIdentity?: string | undefined
  /** Of a service: for whom it acts. */
  readonly sourceArn?: string | undefined
  readonly sourceAccount?: string | undefined
}

export interface Behalf {
  /** Its id; undefined: the broker asks for itself. */
  readonly publisher: string | undefined
  readonly grounds: PublisherGrounds | undefined
  readonly purpose: KmsPurpose
}

export type SdkCommand<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = Parameters<
  typeof KMSClient.prototype.send<Input, Output>
>[0]

export function speakFor<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  command: SdkCommand<Input, Output>,
  behalf: Behalf,
): void {
  const added = behalfHeaders(behalf)
  command.middlewareStack.add(
    (next) => (args) => {
      const { request } = args
      if (typeof request === 'object' && request !== null && 'headers' in request) {
        Object.assign(request.headers as object, added)
      }
      return next(args)
    },
    { step: 'build', name: 'sealcastOnBehalfOf' },
  )
}

export function behalfHeaders({ publisher, grounds = {}, purpose }: Behalf): Record<string, string> {
  const { sessionPolicy, sessionTags, sourceIdentity, sourceArn, sourceAccount } = grounds
  const headers = {
    // What follows the mark tells publishers apart whose grounds differ; KMS is told the grounds themselves.
    'x-sealcast-on-behalf-of': publisher?.split('#', 1)[0],
    'x-sealcast-session-policy': sessionPolicy && inBase64(sessionPolicy),
    'x-sealcast-session-tags': sessionTags && inBase64(JSON.stringify(sessionTags)),
    'x-sealcast-source-identity': sourceIdentity,
    'x-sealcast-source-arn': sourceArn,
    'x-sealcast-source-account': sourceAccount,
    'x-sealcast-purpose': purpose,
  }
  return Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => Boolean(entry[1])))
}

/** A header holds no letters beyond Latin. */
function inBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
