import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { BrokerError } from '#shared/errors'
import { dueChanges } from './due-changes.ts'
import {
  cancelDeletion,
  DAY_MS,
  disableRotation,
  enableRotation,
  type MakeMaterial,
  rotateOnDemand,
  scheduleDeletion,
  switchKey,
} from './key-lifecycle.ts'
import { createMaterial } from './key-material.ts'
import { decodeKeystore, encodeKeystore, type KmsKey } from './keystore-file.ts'
import { deriveStoreKeys } from './root-key.ts'

type Step = (key: KmsKey, o: { now: number; makeMaterial: MakeMaterial }) => KmsKey

const days = (min: number, max: number) => fc.integer({ min, max })

/** Each with whatever happens to a key, in any order. */
const step: fc.Arbitrary<{ name: string; run: Step }> = fc.oneof(
  fc.constant({ name: 'enable', run: (key: KmsKey) => switchKey(key, 'Enabled') }),
  fc.constant({ name: 'disable', run: (key: KmsKey) => switchKey(key, 'Disabled') }),
  fc.constant({ name: 'cancel', run: cancelDeletion }),
  fc.constant({ name: 'disable rotation', run: disableRotation }),
  fc.constant({ name: 'rotate', run: rotateOnDemand }),
  days(7, 30).map((windowDays) => ({
    name: `schedule ${windowDays}`,
    run: (key: KmsKey, { now }: { now: number }) => scheduleDeletion(key, { now, windowDays }),
  })),
  days(90, 2560).map((periodDays) => ({
    name: `enable rotation ${periodDays}`,
    run: (key: KmsKey, { now }: { now: number }) => enableRotation(key, { now, periodDays }),
  })),
)

suite("a key's life", () => {
  test('keeps every material, the newest current, and what can be written and read again, in any order of events', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ step, waitDays: days(0, 400) }), { maxLength: 40 }), (events) => {
        const { storeId, storeKeys, rootKey, makeMaterial, key: born } = setup()
        let now = 0
        let key = born
        for (const { step: next, waitDays } of events) {
          const before = key
          const make = makeMaterial(now)
          key = attempt(() => next.run(key, { now, makeMaterial: make })) ?? key
          now += waitDays * DAY_MS
          const store = { storeId, generation: 1, keys: [key], aliases: [] }
          const due = dueChanges(store, { now, makeMaterial: () => makeMaterial(now) })
          const left = due === undefined ? key : due.keys[0]
          if (left === undefined) {
            assert.ok(key.state === 'PendingDeletion' && Number(key.deletionAt) <= now)
            return
          }
          key = left
          const ids = (of: KmsKey) => of.materials.map(({ id }) => id)
          assert.deepEqual(ids(key).slice(0, before.materials.length), ids(before))
          assert.deepEqual(
            key.materials.map(({ state }) => state === 'CURRENT'),
            key.materials.map((_, at) => at === key.materials.length - 1),
          )
          assert.ok(key.state !== 'Enabled' || key.rotation === undefined || key.rotation.nextAt > now)
          assert.ok(key.deletionAt === undefined || key.deletionAt > now)
          const text = encodeKeystore({ ...store, keys: [key] }, storeKeys)
          const [read] = decodeKeystore(text, rootKey).keystore.keys
          assert.deepEqual(withoutSecrets(read), withoutSecrets(key))
        }
      }),
      { numRuns: 200 },
    )
  })
})

/** @returns undefined when it is refused for a reason that callers are told */
function attempt(change: () => KmsKey): KmsKey | undefined {
  try {
    return change()
  } catch (error) {
    assert.ok(error instanceof BrokerError && error.fault === 'sender', String(error))
    return undefined
  }
}

function withoutSecrets(key: KmsKey | undefined): unknown {
  return key && { ...key, materials: key.materials.map(({ secret: _, ...material }) => material) }
}

function setup() {
  const rootKey = createSecretKey(randomBytes(32))
  const storeId = randomBytes(16).toString('hex')
  const storeKeys = deriveStoreKeys(rootKey, storeId)
  const place = { account: '111122223333', region: 'us-east-1' }
  const id = '1234abcd-12ab-34cd-56ef-1234567890ab'
  const keyArn = `arn:aws:kms:us-east-1:111122223333:key/${id}`
  const makeMaterial =
    (createdAt: number): MakeMaterial =>
    (rotationType) =>
      createMaterial({ storeId, keyArn, createdAt, rotationType, storeKeys })
  const key: KmsKey = {
    id,
    ...place,
    arn: keyArn,
    description: '',
    tags: [],
    createdAt: 0,
    manager: 'CUSTOMER',
    state: 'Enabled',
    materials: [createMaterial({ storeId, keyArn, createdAt: 0, storeKeys })],
  }
  return { rootKey, storeId, storeKeys, makeMaterial, key }
}
