/** NextToken of listings: opaque to clients, the last name of the page inside. */

import { InvalidParameterError } from '#shared/sns-wire'

export function encodePageToken(last: string): string {
  return Buffer.from(`1:${last}`, 'utf8').toString('base64')
}

/**
 * @param token as given; undefined and empty start from the beginning
 * @param prefix what every name of this listing begins with
 * @throws {InvalidParameterError} `Invalid parameter: NextToken`
 */
export function decodePageToken(token: string | undefined, prefix: string): string | undefined {
  if (token === undefined || token === '') return undefined
  const text = Buffer.from(token, 'base64').toString('utf8')
  const last = text.slice(2)
  // Encoding it again finds whatever Buffer tolerated: other alphabets, missing padding, bad UTF-8.
  if (!text.startsWith('1:') || !last.startsWith(prefix) || encodePageToken(last) !== token) {
    throw new InvalidParameterError('Invalid parameter: NextToken')
  }
  return last
}
