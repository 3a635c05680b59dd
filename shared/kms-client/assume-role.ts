/** Asks STS for a session of a role, so that KMS decides about that role. The answer's secrets go into role-credentials alone. */

import { AssumeRoleCommand, type AssumeRoleCommandOutput } from '@aws-sdk/client-sts'
import { BrokerError } from '#shared/errors'
import { beforeAbort } from './before-abort.ts'
import { StsUnavailableError } from './errors.ts'
import type { RoleCredentials, RoleUse } from './role-credentials.ts'
import { roleSessionNameOf } from './role-session-name.ts'
import type { SdkClients } from './sdk-clients.ts'
import { stsErrorOf } from './sts-error-of.ts'

/** @param r.outcome `ok`, or the code of an error of ours */
export type RoleObserver = (r: { outcome: string; seconds: number }) => void

/** Every role lets its sessions last so long, and a broker that is itself in a role may not ask for more. */
const DURATION_SECONDS = 3_600

export function createAssumeRole(o: {
  clients: Pick<SdkClients, 'stsOf'>
  deadlineMs: number
  observe: RoleObserver
}): (use: RoleUse) => Promise<RoleCredentials> {
  return async (use) => {
    const startedAt = performance.now()
    const note = (outcome: string) => o.observe({ outcome, seconds: (performance.now() - startedAt) / 1000 })
    try {
      const credentials = await ask(use)
      note('ok')
      return credentials
    } catch (error) {
      note(error instanceof BrokerError ? error.code : 'UNKNOWN')
      throw error
    }
  }

  async function ask(use: RoleUse): Promise<RoleCredentials> {
    const { region, roleArn, principal, sessionPolicy } = use
    const signal = AbortSignal.timeout(o.deadlineMs)
    const tooLate = () =>
      new StsUnavailableError(`Cannot ask KMS with the role ${roleArn}: STS did not answer within ${o.deadlineMs} ms`)
    const command = new AssumeRoleCommand({
      RoleArn: roleArn,
      RoleSessionName: roleSessionNameOf(principal),
      DurationSeconds: DURATION_SECONDS,
      ...(sessionPolicy === undefined ? {} : { Policy: sessionPolicy }),
    })
    const answered = o.clients
      .stsOf(region)
      .send(command, { abortSignal: signal })
      .then(
        (output) => acceptCredentials(output, roleArn),
        (error: unknown) => {
          throw signal.aborted ? tooLate() : stsErrorOf(error, use)
        },
      )
    return await beforeAbort(answered, signal, tooLate)
  }
}

function acceptCredentials({ Credentials: given }: AssumeRoleCommandOutput, roleArn: string): RoleCredentials {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = given ?? {}
  const expiresAt = Expiration?.getTime() ?? Number.NaN
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || Number.isNaN(expiresAt)) {
    throw new StsUnavailableError(`Cannot ask KMS with the role ${roleArn}: STS gave an answer without credentials`)
  }
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken, expiresAt }
}
