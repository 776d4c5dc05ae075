/** What the page of a panel is made of. */
export interface PageParts {
  /** Fresh random text, for this page alone. */
  nonce: string;
  script: string;
  style: string;
  /** What the editor names its own resources by in a policy. */
  cspSource: string;
}

/**
 * The page in which the panel's code runs. Its policy lets this one script and the panel's own stylesheet in, and
 * nothing else: no inline script, no image, no frame, no connection. The toolkit finds the nonce in the page for the
 * one style element by which it asks whether the browser knows `:focus-visible`.
 */
export function pageOf({ nonce, script, style, cspSource }: PageParts): string {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource} 'nonce-${nonce}'`,
    `font-src ${cspSource}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta property="csp-nonce" content="${nonce}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>GIMO Review</title>
<link rel="stylesheet" href="${style}">
</head>
<body>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>
`;
}
