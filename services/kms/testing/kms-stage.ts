/** For tests: a KMS process with users of two accounts, and clients of the AWS SDK that end with it. */

import { randomUUID } from 'node:crypto'
import {
  CreateKeyCommand,
  GenerateDataKeyCommand,
  type GenerateDataKeyCommandInput,
  KMSClient,
} from '@aws-sdk/client-kms'
import { startTestKms, type TestCredential, type TestKms } from '#shared/test-kms'

export interface KmsStage extends AsyncDisposable {
  readonly kms: TestKms
  /** Of another account than `kms.user`. */
  readonly other: TestCredential
  setUp(o?: { as?: TestCredential & { sessionToken?: string }; region?: string }): ReturnType<typeof setUpClient>
}

export async function startKmsStage(): Promise<KmsStage> {
  const kms = await startTestKms()
  const other = await kms.addUser('arn:aws:iam::444455556666:user/other')
  const clients: KMSClient[] = []
  return {
    kms,
    other,
    setUp({ as = kms.user, region = 'us-east-1' } = {}) {
      const client = new KMSClient({ endpoint: kms.endpoint, region, credentials: as })
      clients.push(client)
      return setUpClient(client)
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy()
      await kms[Symbol.asyncDispose]()
    },
  }
}

function setUpClient(client: KMSClient) {
  return {
    client,
    alias: `alias/test-${randomUUID()}`,
    async createKey() {
      const { KeyMetadata } = await client.send(new CreateKeyCommand({}))
      return { id: String(KeyMetadata?.KeyId), arn: String(KeyMetadata?.Arn) }
    },
    generate: (input: GenerateDataKeyCommandInput) =>
      client.send(new GenerateDataKeyCommand({ KeySpec: 'AES_256', ...input })),
  }
}
