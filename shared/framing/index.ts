export { Framed, frame, hashParts, type Part, withFrame } from './framing.ts'
