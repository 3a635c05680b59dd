export { createLineWriter, type LineWriter } from './line-writer.ts'
export { createLog, type Fields, type Log } from './log.ts'
