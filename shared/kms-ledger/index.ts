export { createKmsLedger, type KmsLedger, type LedgerEntry } from './kms-ledger.ts'
export { type LedgerName, type LedgerPage, monthOf } from './ledger-hash.ts'
export { findKmsLedgers, readKmsLedger, readLedgerPage } from './read-ledger.ts'
export { type PairCalls, type PairUsage, usageOf } from './usage.ts'
