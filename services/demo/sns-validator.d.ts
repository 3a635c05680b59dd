/** The part of sns-validator's interface that is used here; the package has no types of its own. */
declare module 'sns-validator' {
  export default class MessageValidator {
    constructor(hostPattern?: RegExp, encoding?: string)
    validate(message: object | string, callback: (error: Error | null, message?: Record<string, string>) => void): void
  }
}
