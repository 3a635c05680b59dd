import { BrokerError } from '#shared/errors'

/** The partition's lease expired or has another holder: nothing was done. Whoever meets this stops working on the partition. */
export class LeaseLostError extends BrokerError {
  override readonly code = 'LEASE_LOST'
  override readonly fault = 'receiver'
  override readonly retryable = false

  constructor(partition: number) {
    super(`Cannot work on partition ${partition}: its lease is held by somebody else or by nobody`)
  }
}

/** A stream entry has not the shape of any version we know. Says which rule, never a value. */
export class EntryFormatError extends BrokerError {
  override readonly code = 'ENTRY_MALFORMED'
  override readonly fault = 'receiver'
  override readonly retryable = false

  constructor(reason: string) {
    super(`Cannot read a stream entry: ${reason}`)
  }
}

/** This Redis holds data of a schema that this release does not know. */
export class SchemaUnsupportedError extends BrokerError {
  override readonly code = 'SCHEMA_UNSUPPORTED'
  override readonly fault = 'receiver'
  override readonly retryable = false

  constructor(reason: string) {
    super(`Cannot use the data in Redis: ${reason}`)
  }
}
