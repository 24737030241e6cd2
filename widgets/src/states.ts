// The states that a task is shown in, and the tiers of the models.

export const STATES = ["asking", "failed", "running", "ready", "blocked", "completed", "skipped", "cancelled"] as const;
export type State = (typeof STATES)[number];

/** Cheapest first. */
export const TIERS = ["haiku", "sonnet", "opus"] as const;
