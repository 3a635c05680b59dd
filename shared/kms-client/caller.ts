/**
 * Sends one KMS call through the SDK: deadline, on-behalf-of header or role, counting.
 *
 * With speak-for.ts the only module that touches the middleware of a call; sdk-clients.ts has the SDK's settings. It counts
 * requests rather than calls, since KMS bills requests: an attempt that was tried again counts twice.
 */

import type { ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-kms'
import type { Clock } from '#shared/clock'
import { BrokerError } from '#shared/errors'
import { createAssumeRole, type RoleObserver } from './assume-role.ts'
import { beforeAbort } from './before-abort.ts'
import { errorOf } from './error-of.ts'
import { KmsCredentialsError, KmsRoleUnavailableError, KmsUnavailableError } from './errors.ts'
import type { KmsPurpose } from './purposes.ts'
import { createRoleCredentials, type RoleUse } from './role-credentials.ts'
import { createSdkClients, type KmsAccess } from './sdk-clients.ts'
import { type Behalf, type PublisherGrounds, type SdkCommand, speakFor } from './speak-for.ts'

type KmsOperation = 'GenerateDataKey' | 'Decrypt' | 'ReEncrypt' | 'DescribeKey'

/**
 * @param r.outcome `ok`, or the code of an error of ours
 * @param r.key ARN of the KMS key where it is known, else the identifier that was configured
 * @param r.topicArn whose data key it was about; with an empty name when it was about no topic's
 * @param r.principal ARN of the publisher for whom KMS was asked, or to whom the data key was issued
 */
export type KmsRequestObserver = (r: {
  operation: KmsOperation
  outcome: string
  purpose: KmsPurpose
  key: string
  topicArn: string
  principal: string
  seconds: number
}) => void

interface KmsCall<Input extends ServiceInputTypes, Output extends ServiceOutputTypes, T> {
  command: SdkCommand<Input, Output>
  operation: KmsOperation
  /** The KMS key as the caller knows it: its ARN, or an identifier that stands for one. */
  key: string
  /** The ARN of the key that answered, where `key` may be no ARN. */
  keyOf?: (answer: T) => string
  region: string
  topicArn: string
  principal: string
  /** Whom the broker speaks for to the local KMS: the principal unless told; with undefined nobody. */
  actingFor?: string | undefined
  /** Of the publisher's permission. */
  grounds?: PublisherGrounds | undefined
  /** With AWS KMS: as whom to ask instead of the broker itself. */
  roleArn?: string | undefined
  purpose: KmsPurpose
  /** Checks the answer and copies what is needed. */
  accept: (output: Output) => T
  /** Wipes the answer; also of an answer that came too late. */
  discard: (output: Output) => void
}

export interface Caller {
  call<Input extends ServiceInputTypes, Output extends ServiceOutputTypes, T>(
    call: KmsCall<Input, Output, T>,
  ): Promise<T>
  /** Looks for AWS's credentials, as each call does. */
  findCredentials(): Promise<void>
  close(): void
}

/** Any will do to find credentials with: the SDK takes AWS_REGION before it, where it must ask a service for them. */
const CREDENTIALS_REGION = 'us-east-1'

export function createCaller(o: {
  access: KmsAccess
  observe: KmsRequestObserver
  observeRole: RoleObserver
  connectTimeoutMs: number
  deadlineMs: number
  clock: Clock
}): Caller {
  const clients = createSdkClients(o)
  const roles = createRoleCredentials({
    assume: createAssumeRole({ clients, deadlineMs: o.deadlineMs, observe: o.observeRole }),
    clock: o.clock,
  })

  return {
    async call(call) {
      const signal = AbortSignal.timeout(o.deadlineMs)
      const attempts = trackAttempts(call, signal)
      if (o.access.kind === 'local') speakFor(call.command, behalfOf(call))
      const answered = sent(call, { signal, attempts }).then(
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
        (answer) => report(attempts.ended, { ...call, key: call.keyOf?.(answer) ?? call.key }, o.observe, 'ok'),
        (error: unknown) => report(attempts.ended, call, o.observe, codeOf(error)),
      )
      // The SDK does not look at the signal while it waits between attempts.
      return await beforeAbort(answered, signal, () => tooLate(attempts, o.deadlineMs))
    },
    async findCredentials() {
      if (o.access.kind === 'local') return
      await clients
        .of(CREDENTIALS_REGION)
        .config.credentials()
        .catch((error: unknown) => {
          throw errorOf(error)
        })
    },
    close: () => clients.close(),
  }

  async function sent<Input extends ServiceInputTypes, Output extends ServiceOutputTypes, T>(
    call: KmsCall<Input, Output, T>,
    { signal, attempts }: { signal: AbortSignal; attempts: Attempts },
  ): Promise<Output> {
    const { command, region, roleArn, principal, grounds } = call
    if (o.access.kind === 'local' || roleArn === undefined) {
      return await clients.of(region).send(command, { abortSignal: signal })
    }
    const use: RoleUse = { region, roleArn, principal, sessionPolicy: grounds?.sessionPolicy }
    for (let isLast = false; ; isLast = true) {
      attempts.roleArn = roleArn
      const { credentials, isNew } = await roles.obtain(use)
      if (!isNew) attempts.roleArn = undefined
      try {
        return await clients.signedBy(credentials, region).send(command, { abortSignal: signal })
      } catch (error) {
        const failure = errorOf(error)
        if (!(failure instanceof KmsCredentialsError)) throw failure
        // Ended, taken back, or of a role that was made anew; with new ones once more.
        roles.drop(use, credentials)
        if (isNew || isLast) throw failure
      }
    }
  }
}

function behalfOf<Input extends ServiceInputTypes, Output extends ServiceOutputTypes, T>(
  call: KmsCall<Input, Output, T>,
): Behalf {
  const { principal, grounds, purpose } = call
  return { publisher: 'actingFor' in call ? call.actingFor : principal, grounds, purpose }
}

interface Attempts {
  readonly ended: { outcome: string; seconds: number }[]
  /** Why the last one failed, while no other is under way. */
  failure: BrokerError | undefined
  /** While a part of the time goes to STS: for which role. */
  roleArn: string | undefined
}

/** Notes each attempt as it ends. */
function trackAttempts<Input extends ServiceInputTypes, Output extends ServiceOutputTypes, T>(
  { command }: KmsCall<Input, Output, T>,
  signal: AbortSignal,
): Attempts {
  const attempts: Attempts = { ended: [], failure: undefined, roleArn: undefined }
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
  { operation, purpose, key, topicArn, principal }: Omit<Parameters<KmsRequestObserver>[0], 'outcome' | 'seconds'>,
  observe: KmsRequestObserver,
  outcome: string,
): void {
  attempts.forEach((attempt, at) => {
    const isLast = at === attempts.length - 1
    const { seconds } = attempt
    observe({ operation, purpose, key, topicArn, principal, seconds, outcome: isLast ? outcome : attempt.outcome })
  })
}

function codeOf(error: unknown): string {
  return error instanceof BrokerError ? error.code : 'UNKNOWN'
}

/** The time ran out: between two attempts, what the first one met says more than that. */
function tooLate({ failure, roleArn }: Attempts, deadlineMs: number): BrokerError {
  if (failure !== undefined) return failure
  if (roleArn === undefined) return new KmsUnavailableError(`KMS did not answer within ${deadlineMs} ms`)
  return new KmsRoleUnavailableError(
    `STS and KMS did not answer within ${deadlineMs} ms: KMS was to be asked as ${roleArn}`,
  )
}
