/** The worker's stage with a real local KMS, and messages sealed as a gateway seals them. */

import { join } from 'node:path'
import { CreateKeyCommand, DisableKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import type { Topic } from '#shared/catalog'
import { systemClock } from '#shared/clock'
import { createDataKeyStore, createSealingKeys } from '#shared/data-keys'
import { seal } from '#shared/envelope'
import { createKmsClient } from '#shared/kms-client'
import { createRecordMac } from '#shared/record-mac'
import { readRecordSecrets } from '#shared/secrets'
import type { Entry } from '#shared/stream-log'
import { startTestKms } from '#shared/test-kms'
import { createWorkerStage } from './worker-stage.ts'

export async function createSealedStage(o: { cluster?: boolean } = {}) {
  await using cleanup = new AsyncDisposableStack()
  const kms = cleanup.use(await startTestKms())
  const secretsDir = join(kms.dir, 'secrets')
  const stage = cleanup.use(await createWorkerStage({ secretsDir, ...o }))
  const admin = new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials: kms.user })
  cleanup.defer(() => admin.destroy())
  const created = await admin.send(new CreateKeyCommand({}))
  const keyId = created.KeyMetadata?.KeyId ?? ''
  const keyArn = created.KeyMetadata?.Arn ?? ''
  const client = cleanup.use(
    createKmsClient({ endpoint: kms.endpoint, credential: kms.broker, observe: () => undefined }),
  )
  const recordMac = createRecordMac(await readRecordSecrets(secretsDir))
  const sealingKeys = createSealingKeys({
    kms: client,
    store: createDataKeyStore({ redis: stage.client, recordMac, onForged: () => undefined }),
    clock: systemClock,
    reuseMs: 300_000,
    onLookup: () => undefined,
  })
  const held = cleanup.move()
  return {
    ...stage,
    kms,
    keyArn,
    publisher: kms.user.arn,
    kmsEnv: { SEALCAST_KMS_ENDPOINT: kms.endpoint, SEALCAST_KEY_PROBE_MS: '3000' },
    createSealedTopic: (name: string) => stage.createTopic(name, { kmsMasterKeyId: keyId }),
    async publishSealed(topic: Topic, text: string): Promise<Entry> {
      const principal = kms.user.arn
      const context = {
        topicArn: topic.arn,
        messageId: crypto.randomUUID(),
        principal,
        header: { attributes: [], acceptedAt: Date.now() },
      }
      const pair = { topicArn: topic.arn, principal, configuredKeyId: keyId }
      const { body, sealed } = await sealingKeys.use(pair, ({ dataKey, encryptedDataKey, keyArn }) => ({
        body: seal(Buffer.from(text), { dataKey, context }),
        sealed: { encryptedDataKey, keyArn },
      }))
      const { messageId, header } = context
      return stage.publish(topic, '', { messageId, principal, acceptedAt: header.acceptedAt, body, sealed })
    },
    disableKey: () => admin.send(new DisableKeyCommand({ KeyId: keyId })),
    enableKey: () => admin.send(new EnableKeyCommand({ KeyId: keyId })),
    /** Everything Redis holds that may contain a body. */
    async redisText() {
      let text = ''
      for (const key of await stage.client.keys('sealcast:*')) {
        const type = await stage.client.type(key)
        if (type === 'stream') text += JSON.stringify(await stage.client.xrange(key, '-', '+'))
        if (type === 'hash') text += JSON.stringify(await stage.client.hgetall(key))
      }
      return text
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
