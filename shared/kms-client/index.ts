export {
  KmsAccessDeniedError,
  KmsDisabledError,
  KmsIntegrityError,
  KmsInvalidKeyUsageError,
  KmsInvalidStateError,
  KmsNotFoundError,
  KmsOptInRequiredError,
  KmsThrottlingError,
  KmsUnavailableError,
} from './errors.ts'
export { guardKms } from './guard-kms.ts'
export {
  createKmsClient,
  type KmsClient,
  type KmsCredential,
  type KmsRequestObserver,
} from './kms-client.ts'
export { KMS_PURPOSES, type KmsPurpose } from './purposes.ts'
export { qualifyKeyId } from './qualify-key-id.ts'
