export { createLog, type Fields, type Log } from './log.ts'
