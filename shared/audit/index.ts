export { type Audit, type AuditedCall, createAudit } from './audit.ts'
export { type CallOutcome, type CallRecord, recordOf } from './call-record.ts'
export type { AuditedDecision, AuditNotes } from './notes.ts'
