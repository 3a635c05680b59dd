/**
 * Sends one KMS call through the SDK: deadline, retries, on-behalf-of header, counting.
 *
 * One SDK client a region, since the region is part of the signature; all share one pool of sockets,
 * and only the latest used are kept: a topic's region is whatever its owner wrote into a credential
 * scope. The only module that touches the SDK's transport. It counts requests rather than calls,
 * since KMS bills requests: an attempt that was tried again counts twice.
 */

import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { KMSClient, type ServiceInputTypes, type ServiceOutputTypes } from '@aws-sdk/client-kms'
import { BrokerError } from '#shared/errors'
import { errorOf } from './error-of.ts'
import { KmsUnavailableError } from './errors.ts'
import type { KmsPurpose } from './purposes.ts'

type KmsOperation = 'GenerateDataKey' | 'Decrypt'

/**
 * @param r.outcome `ok`, or the code of an error of ours
 * @param r.topicArn whose data key it was about
 * @param r.principal ARN of the publisher for whom KMS was asked
 */
export type KmsRequestObserver = (r: {
  operation: KmsOperation
  outcome: string
  purpose: KmsPurpose
  topicArn: string
  principal: string
  seconds: number
}) => void

export interface KmsCredential {
  accessKeyId: string
  secretAccessKey: string
}

type SdkCommand<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = Parameters<
  typeof KMSClient.prototype.send<Input, Output>
>[0]

interface KmsCall<Input extends ServiceInputTypes, Output extends ServiceOutputTypes, T> {
  command: SdkCommand<Input, Output>
  operation: KmsOperation
  region: string
  topicArn: string
  principal: string
  purpose: KmsPurpose
  /** Checks the answer and copies what is needed. */
  accept: (output: Output) => T
  /** Wipes the answer; also of an answer that came too late. */
  discard: (output: Output) => void
}

interface Caller {
  call<Input extends ServiceInputTypes, Output extends ServiceOutputTypes, T>(
    call: KmsCall<Input, Output, T>,
  ): Promise<T>
  close(): void
}

const ON_BEHALF_OF_HEADER = 'x-sealcast-on-behalf-of'

/** One retry: a second one would not fit into the deadline after a request that timed out. */
const MAX_ATTEMPTS = 2

/** Sockets to KMS; the SDK's own default for one client. */
const MAX_SOCKETS = 50

/** SDK clients kept, of about 200 KiB each: more than regions in use by any sane set of topics. */
const MAX_CLIENTS = 32

export function createCaller(o: {
  endpoint: string
  credential: KmsCredential
  observe: KmsRequestObserver
  connectTimeoutMs: number
  deadlineMs: number
}): Caller {
  const agents = {
    httpAgent: new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
    httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
  }
  const clients = new Map<string, KMSClient>()
  const clientOf = (region: string): KMSClient => {
    const client = clients.get(region) ?? createSdkClient({ ...o, ...agents, region })
    clients.delete(region)
    clients.set(region, client)
    // Dropped, not destroyed: its calls under way go on, and the sockets are not its own.
    const [leastRecent] = clients.keys()
    if (clients.size > MAX_CLIENTS && leastRecent !== undefined) clients.delete(leastRecent)
    return client
  }

  return {
    async call(call) {
      const signal = AbortSignal.timeout(o.deadlineMs)
      const attempts = trackAttempts(call, signal)
      const answered = clientOf(call.region)
        .send(call.command, { abortSignal: signal })
        .then(
          (output) => {
            try {
              if (signal.aborted) throw tooLate(attempts, o.deadlineMs)
              return call.accept(output)
            } finally {
              call.discard(output)
            }
          },
          (error: unknown) => {
            throw signal.aborted ? tooLate(attempts, o.deadlineMs) : errorOf(error)
          },
        )
      answered.then(
        () => report(attempts.ended, call, o.observe, 'ok'),
        (error: unknown) => report(attempts.ended, call, o.observe, codeOf(error)),
      )
      // The SDK does not look at the signal while it waits between attempts.
      return await beforeAbort(answered, signal, () => tooLate(attempts, o.deadlineMs))
    },
    close() {
      clients.clear()
      agents.httpAgent.destroy()
      agents.httpsAgent.destroy()
    },
  }
}

function createSdkClient(o: {
  endpoint: string
  credential: KmsCredential
  region: string
  connectTimeoutMs: number
  deadlineMs: number
  httpAgent: HttpAgent
  httpsAgent: HttpsAgent
}): KMSClient {
  // Everything that the SDK would otherwise look up in the environment or in ~/.aws is given: which
  // KMS is used, and how patiently, is never decided by what happens to lie around on the machine.
  return new KMSClient({
    endpoint: o.endpoint,
    region: o.region,
    credentials: { accessKeyId: o.credential.accessKeyId, secretAccessKey: o.credential.secretAccessKey },
    maxAttempts: MAX_ATTEMPTS,
    retryMode: 'standard',
    defaultsMode: 'legacy',
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    requestHandler: {
      connectionTimeout: o.connectTimeoutMs,
      // Leaves time for the second attempt.
      requestTimeout: Math.ceil(o.deadlineMs * 0.6),
      throwOnRequestTimeout: true,
      httpAgent: o.httpAgent,
      httpsAgent: o.httpsAgent,
    },
  })
}

interface Attempts {
  readonly ended: { outcome: string; seconds: number }[]
  /** Why the last one failed, while no other is under way. */
  failure: BrokerError | undefined
}

/** Adds the header, in the step before signing, and notes each attempt as it ends. */
function trackAttempts<Input extends ServiceInputTypes, Output extends ServiceOutputTypes, T>(
  { command, principal }: KmsCall<Input, Output, T>,
  signal: AbortSignal,
): Attempts {
  const attempts: Attempts = { ended: [], failure: undefined }
  command.middlewareStack.add(
    (next) => (args) => {
      const { request } = args
      if (typeof request === 'object' && request !== null && 'headers' in request) {
        Object.assign(request.headers as object, { [ON_BEHALF_OF_HEADER]: principal })
      }
      return next(args)
    },
    { step: 'build', name: 'sealcastOnBehalfOf' },
  )
  command.middlewareStack.add(
    (next) => async (args) => {
      // An attempt whose time was up before it began is not sent.
      if (signal.aborted) return await next(args)
      const startedAt = performance.now()
      const note = (outcome: string) =>
        attempts.ended.push({ outcome, seconds: (performance.now() - startedAt) / 1000 })
      attempts.failure = undefined
      try {
        const result = await next(args)
        note('ok')
        return result
      } catch (error) {
        attempts.failure = errorOf(error)
        note(attempts.failure.code)
        throw error
      }
    },
    { step: 'deserialize', priority: 'high', name: 'sealcastAttempt' },
  )
  return attempts
}

/** The last attempt takes the outcome of the whole call, which also knows whether the answer was accepted. */
function report(
  attempts: Attempts['ended'],
  { operation, purpose, topicArn, principal }: Omit<Parameters<KmsRequestObserver>[0], 'outcome' | 'seconds'>,
  observe: KmsRequestObserver,
  outcome: string,
): void {
  attempts.forEach((attempt, at) => {
    const isLast = at === attempts.length - 1
    const { seconds } = attempt
    observe({ operation, purpose, topicArn, principal, seconds, outcome: isLast ? outcome : attempt.outcome })
  })
}

function codeOf(error: unknown): string {
  return error instanceof BrokerError ? error.code : 'UNKNOWN'
}

/** The time ran out: between two attempts, what the first one met says more than that. */
function tooLate({ failure }: Attempts, deadlineMs: number): BrokerError {
  return failure ?? new KmsUnavailableError(`KMS did not answer within ${deadlineMs} ms`)
}

function beforeAbort<T>(answered: Promise<T>, signal: AbortSignal, reason: () => BrokerError): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(reason())
    signal.addEventListener('abort', onAbort, { once: true })
    answered.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
