// Light or dark, if the reader wants another scheme than the machine's; it is remembered where the browser allows it.
{
  const root = document.documentElement, button = document.querySelector(".scheme");
  const dark = () => (root.dataset.scheme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const tell = () => { button.textContent = dark() ? "Light" : "Dark"; button.setAttribute("aria-label", `${button.textContent} colours`); };
  try { const kept = localStorage.getItem("clipbounds-scheme"); if (kept) root.dataset.scheme = kept; } catch { /* not allowed */ }
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.scheme = dark() ? "light" : "dark";
    try { localStorage.setItem("clipbounds-scheme", root.dataset.scheme); } catch { /* not allowed */ }
    tell();
  });
  tell();
}
