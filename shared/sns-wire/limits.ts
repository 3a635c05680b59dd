/**
 * The limits of the SNS wire format, as data.
 *
 * SNS's own numbers stand first; below them the broker's bounds on input that SNS does not name.
 */

/** Message and attributes together, in bytes; the subject does not count. SNS: 256 KiB a publish, single or batch. */
export const MAX_MESSAGE_BYTES = 262_144

/** Entries of one PublishBatch. */
export const MAX_BATCH_ENTRIES = 10

/** Characters of the id that tells a batch's entries apart. */
export const MAX_BATCH_ENTRY_ID_CHARACTERS = 80

/** UTF-16 code units of a subject: 100 letters or 50 emoji, as SNS counts. */
export const MAX_SUBJECT_UNITS = 100

/** Characters of a topic name. */
export const MAX_TOPIC_NAME_CHARACTERS = 256

/** Bytes of a message attribute's name. */
export const MAX_ATTRIBUTE_NAME_BYTES = 256

/** Significant digits of a Number attribute. */
export const MAX_NUMBER_DIGITS = 38

/** Power of ten of a Number attribute's first significant digit. */
export const NUMBER_SCALE = { min: -128, max: 126 } as const

/** Retries of an HTTP/S delivery that a policy may ask for. */
export const MAX_RETRIES = 100

/** Seconds within which the last of them must be due. */
export const MAX_RETRY_SECONDS = 3_600

/** Bytes of a topic's Policy, as sent. */
export const MAX_POLICY_BYTES = 30_720

/** Statements of a topic's Policy. */
export const MAX_POLICY_STATEMENTS = 100

/** Principals of one of its statements; none is none too few. */
export const MAX_POLICY_PRINCIPALS = 200

/** How long a confirmation token is good for. */
export const CONFIRMATION_TOKEN_MS = 2 * 24 * 60 * 60 * 1000

/** How far a token's time of issue may lie ahead: the clock skew that request signatures are allowed too. */
export const CONFIRMATION_TOKEN_SKEW_MS = 15 * 60 * 1000

/**
 * Parameters of one request, those of URL and body together. The richest request within the message limit, a batch of
 * ten with a hundred attributes each, has about 3,100; the bound keeps a body of `&a=&b=…` from costing a map entry every
 * four bytes.
 */
export const MAX_PARAMETERS = 4_000

/** Characters of a caller's value that an error text repeats: enough to recognise it by. */
export const MAX_ECHO_CHARACTERS = 128
