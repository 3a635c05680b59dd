/**
 * How much faster than in production everything goes: data keys live for 15 s instead of 300, the five minutes of the rules are 15 s, and
 * a scrape each second stands for one in twenty.
 */
export const SPEED = 20
