export { BrokerError, type Fault } from './broker-error.ts'
export { describeError } from './describe-error.ts'
export { letGoOfFrames } from './let-go-of-frames.ts'
