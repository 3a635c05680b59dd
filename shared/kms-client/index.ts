export {
  KmsAccessDeniedError,
  KmsCredentialsError,
  KmsDisabledError,
  KmsInsecureEndpointError,
  KmsIntegrityError,
  KmsInvalidKeyUsageError,
  KmsInvalidStateError,
  KmsNotFoundError,
  KmsOptInRequiredError,
  KmsThrottlingError,
  KmsUnavailableError,
} from './errors.ts'
export { createExplainKeyAccess, type ExplainKeyAccess, type KeyAccess } from './explain-key-access.ts'
export { guardKms } from './guard-kms.ts'
export {
  createAwsKmsClient,
  createKmsClient,
  type KmsClient,
  type KmsCredential,
  type KmsRequestObserver,
  type RoleObserver,
} from './kms-client.ts'
export { openKmsClient } from './open-kms-client.ts'
export { KMS_PURPOSES, type KmsPurpose } from './purposes.ts'
export { isKeyArn, qualifyKeyId } from './qualify-key-id.ts'
export { type KmsSettings, readKmsSettings, UNSAFE_KMS_ADVICE } from './settings.ts'
