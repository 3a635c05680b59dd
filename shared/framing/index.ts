export { frame, hashParts, type Part } from './framing.ts'
