/** The command that posts a first alert. Without a token it takes the one in $TOKEN. */
export function postAlertCommand(origin: string, token = "$TOKEN"): string {
  return `curl ${origin}/api/v1/alerts \\
  -H "Authorization: Bearer ${token}" -H "Content-Type: application/json" \\
  -d '{"id":"My.First.Rule","severity":"HIGH","type":"RULE","title":"A first alert"}'`;
}
