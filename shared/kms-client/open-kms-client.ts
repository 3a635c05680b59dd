/** The client that the settings ask for; gateways and workers open it alike. */

import {
  createAwsKmsClient,
  createKmsClient,
  type KmsClient,
  type KmsCredential,
  type KmsRequestObserver,
  type RoleObserver,
} from './kms-client.ts'
import type { KmsSettings } from './settings.ts'

/**
 * @param o.readCredential the broker's own, for the local KMS alone
 * @throws what `readCredential` throws
 */
export async function openKmsClient(
  settings: KmsSettings,
  o: { observe: KmsRequestObserver; observeRole?: RoleObserver; readCredential: () => Promise<KmsCredential> },
): Promise<KmsClient> {
  const { observe, observeRole } = o
  const { acceptsUnsafe } = settings
  if (settings.kind === 'aws') return createAwsKmsClient({ observe, observeRole, acceptsUnsafe })
  return createKmsClient({ endpoint: settings.endpoint, credential: await o.readCredential(), observe, acceptsUnsafe })
}
