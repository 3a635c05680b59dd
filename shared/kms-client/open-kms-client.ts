/** The client that the settings ask for; gateways and workers open it alike. */

import {
  createAwsKmsClient,
  createKmsClient,
  type KmsClient,
  type KmsCredential,
  type KmsRequestObserver,
} from './kms-client.ts'
import type { KmsSettings } from './settings.ts'

/**
 * @param o.readCredential the broker's own, for the local KMS alone
 * @throws what `readCredential` throws
 */
export async function openKmsClient(
  settings: KmsSettings,
  o: { observe: KmsRequestObserver; readCredential: () => Promise<KmsCredential> },
): Promise<KmsClient> {
  const { observe } = o
  const { acceptsUnsafe } = settings
  if (settings.kind === 'aws') return createAwsKmsClient({ observe, acceptsUnsafe })
  return createKmsClient({ endpoint: settings.endpoint, credential: await o.readCredential(), observe, acceptsUnsafe })
}
