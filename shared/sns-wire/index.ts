export { parseSubscriptionArn, parseTopicArn, type SubscriptionArn, type TopicArn } from './arns.ts'
export { type BatchEntry, readBatchEntries } from './batch-entries.ts'
export { checkTopicName } from './check-topic-name.ts'
export { type ConfirmationFields, type ConfirmationPurpose, encodeConfirmation } from './confirmation.ts'
export { confirmationToken, readConfirmationToken, type TokenSecrets } from './confirmation-token.ts'
export { decodeParameters } from './decode-parameters.ts'
export { DEFAULT_HTTP_RETRY, defaultTopicPolicy } from './default-policies.ts'
export { confirmationHeaders, notificationHeaders } from './delivery-headers.ts'
export {
  type EffectiveDelivery,
  effectiveDelivery,
  subscriptionEffectivePolicy,
  topicEffectivePolicy,
} from './delivery-policy-effective.ts'
export { parseSubscriptionDeliveryPolicy, parseTopicDeliveryPolicy } from './delivery-policy-parse.ts'
export { readSigningCertPath, signingCertUrl, subscribeUrl, unsubscribeUrl } from './delivery-urls.ts'
export { echo } from './echo.ts'
export { encodeError, encodeResponse } from './encode-response.ts'
export { type WireError, wireErrorOf } from './error-response.ts'
export {
  AuthorizationError,
  DuplicateParameterError,
  InvalidActionError,
  InvalidParameterError,
  InvalidSecurityError,
  MalformedQueryStringError,
  MissingActionError,
  memberNotNull,
  NotFoundError,
  ParameterValueInvalidError,
  ValidationError,
} from './errors.ts'
export { MAX_MESSAGE_BYTES } from './limits.ts'
export { type MessageAttribute, readMessageAttributes } from './message-attributes.ts'
export { selectMessage } from './message-structure.ts'
export { encodeNotification, type NotificationFields, type SignatureFields } from './notification.ts'
export type { Parameters } from './parameters.ts'
export { type Message, readMessage } from './read-message.ts'
export {
  type BackoffFunction,
  RETRY_PHASES,
  type RetryPhase,
  type RetryPolicy,
  retryDelays,
  retryPhases,
} from './retry-delays.ts'
export { confirmationStringToSign, notificationStringToSign } from './string-to-sign.ts'
export { parseTopicPolicy } from './topic-policy-parse.ts'
export { addPermission, type Permission, removePermission } from './topic-policy-permissions.ts'
export type { XmlNode } from './xml.ts'
