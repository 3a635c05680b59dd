/** A key as CreateKey and DescribeKey show it. */

import type { KmsKey } from '../key-store.ts'
import { toSeconds } from './action.ts'

export function keyMetadata(key: KmsKey): Readonly<Record<string, unknown>> {
  return {
    AWSAccountId: key.account,
    KeyId: key.id,
    Arn: key.arn,
    CreationDate: toSeconds(key.createdAt),
    Enabled: key.state === 'Enabled',
    Description: key.description,
    KeyUsage: 'ENCRYPT_DECRYPT',
    KeyState: key.state,
    DeletionDate: key.deletionAt === undefined ? undefined : toSeconds(key.deletionAt),
    Origin: 'AWS_KMS',
    KeyManager: key.manager,
    CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
    KeySpec: 'SYMMETRIC_DEFAULT',
    EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    MultiRegion: false,
    CurrentKeyMaterialId: key.materials.find(({ state }) => state === 'CURRENT')?.id,
  }
}
