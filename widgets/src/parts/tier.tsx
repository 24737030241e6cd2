// A worker's tier. It has no hue: hue belongs to states.

export function Tier({ tier }: { tier: "haiku" | "sonnet" | "opus" }) {
  return (
    <span class="tier" data-tier={tier}>
      {tier.toUpperCase()}
    </span>
  );
}
