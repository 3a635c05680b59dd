/** kill -9 while keys are made, rotated and scheduled for deletion: what was answered is so afterwards. */

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CancelKeyDeletionCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  EnableKeyCommand,
  GenerateDataKeyCommand,
  KMSClient,
  ListKeyRotationsCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import { startTestKms, type TestKms } from '#shared/test-kms'

const CRASHES = 12
const CALLERS = 3

/** What the KMS has answered about one key. */
interface Answered {
  readonly keyId: string
  readonly ciphertexts: { blob: Uint8Array | undefined; plaintext: Uint8Array | undefined }[]
  rotations: number
  /** Absent: not answered, whether or not it was done. */
  deletionDate?: Date | undefined
}

suite('a KMS that is killed', () => {
  test(`keeps every answer over ${CRASHES} kill -9`, { timeout: 120_000 }, async (t) => {
    await using kms = await startTestKms()
    const answered: Answered[] = []
    for (let round = 0; round < CRASHES; round++) {
      const client = clientOf(kms, t)
      // After another number of answers each time, and so many milliseconds, which is another moment of a write.
      const enough = countTo(4 + ((round * 7) % 31))
      const living = Array.from({ length: CALLERS }, () => liveKeys(client, answered, enough.count))
      const working = Promise.allSettled(living)
      await Promise.race([enough.reached, ...living])
      await delay((round * 5) % 17)
      await kms.kill()
      await working
      const files = await readdir(join(kms.dir, 'kms'))
      assert.ok(files.includes('keystore.json'))
      JSON.parse(await readFile(join(kms.dir, 'kms', 'keystore.json'), 'utf8'))
      await kms.start()
    }
    assert.deepEqual(
      kms.log.filter(({ event }) => event === 'keystore.backup-used'),
      [],
    )
    const client = clientOf(kms, t)
    for (const key of answered) await verify(client, key)
    t.diagnostic(`${answered.length} keys, ${sum(answered.map(({ rotations }) => rotations))} rotations`)
    const seen = (is: (key: Answered) => boolean) => answered.filter(is).length
    assert.ok(seen(({ rotations }) => rotations > 0) > 0 && seen(({ deletionDate }) => deletionDate !== undefined) > 0)
    const left = (await readdir(join(kms.dir, 'kms'))).filter((name) => name.includes('.tmp.'))
    assert.deepEqual(left, [])
  })
})

/** Lives through keys, one after another, until the KMS is gone. */
async function liveKeys(client: KMSClient, answered: Answered[], count: () => void): Promise<never> {
  for (;;) {
    const { KeyMetadata } = await client.send(new CreateKeyCommand({}))
    const key: Answered = { keyId: String(KeyMetadata?.KeyId), ciphertexts: [], rotations: 0 }
    answered.push(key)
    count()
    await seal(client, key)
    for (let rotation = 0; rotation < 3; rotation++) {
      await client.send(new RotateKeyOnDemandCommand({ KeyId: key.keyId }))
      key.rotations += 1
      count()
      await seal(client, key)
    }
    const { DeletionDate } = await client.send(new ScheduleKeyDeletionCommand({ KeyId: key.keyId }))
    key.deletionDate = DeletionDate
    count()
  }
}

function countTo(target: number): { count: () => void; reached: Promise<void> } {
  const { promise: reached, resolve } = Promise.withResolvers<void>()
  let counted = 0
  const count = () => {
    counted += 1
    if (counted === target) resolve()
  }
  return { count, reached }
}

async function seal(client: KMSClient, { keyId, ciphertexts }: Answered): Promise<void> {
  const answer = await client.send(new GenerateDataKeyCommand({ KeyId: keyId, KeySpec: 'AES_256' }))
  ciphertexts.push({ blob: answer.CiphertextBlob, plaintext: answer.Plaintext })
}

async function verify(client: KMSClient, { keyId: KeyId, ciphertexts, rotations, deletionDate }: Answered) {
  const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId }))
  if (deletionDate !== undefined) assert.deepEqual(KeyMetadata?.DeletionDate, deletionDate)
  const { Rotations = [] } = await client.send(new ListKeyRotationsCommand({ KeyId }))
  // One more may have been done and not answered.
  assert.ok(
    Rotations.length === rotations || Rotations.length === rotations + 1,
    `${Rotations.length} for ${rotations}`,
  )
  if (KeyMetadata?.KeyState === 'PendingDeletion') {
    await client.send(new CancelKeyDeletionCommand({ KeyId }))
    await client.send(new EnableKeyCommand({ KeyId }))
  }
  for (const { blob, plaintext } of ciphertexts) {
    assert.deepEqual((await client.send(new DecryptCommand({ CiphertextBlob: blob }))).Plaintext, plaintext)
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function clientOf(kms: TestKms, t: TestContext): KMSClient {
  const client = new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials: kms.user, maxAttempts: 1 })
  t.after(() => client.destroy())
  return client
}
