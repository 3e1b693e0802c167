// Renews a part of a plain page while its form is typed in. A form with data-renews="id id …" is posted to its own address after a
// pause, and the elements of these ids take the contents they have in the answer. The form itself is not touched: focus, caret and
// scroll stay. Without this script the form's button brings the same page whole.
(() => {
  const PAUSE_MS = 350;

  /** Which <details> inside are open, by place: a renewal leaves them as they are. */
  const opened = (part) => [...part.querySelectorAll('details')].map((one) => one.open);

  const renewing = (form) => {
    const ids = form.dataset.renews.split(' ');
    let timer;
    let asked;

    const renew = async () => {
      asked?.abort();
      const mine = new AbortController();
      asked = mine;
      const parts = ids.map((id) => document.getElementById(id)).filter(Boolean);
      parts.forEach((part) => part.setAttribute('aria-busy', 'true'));
      try {
        const answer = await fetch(form.action, {
          method: 'POST',
          headers: { accept: 'text/html' },
          body: new URLSearchParams(new FormData(form)),
          credentials: 'same-origin',
          signal: mine.signal,
        });
        // Led elsewhere: the session is over. The button will say so.
        if (!answer.ok || answer.redirected) return;
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        if (asked !== mine) return;
        for (const part of parts) {
          const fresh = page.getElementById(part.id);
          if (!fresh || fresh.innerHTML === part.innerHTML) continue;
          const open = opened(part);
          part.replaceChildren(...fresh.childNodes);
          part.querySelectorAll('details').forEach((one, i) => { if (open[i]) one.open = true; });
        }
      } catch (error) {
        // Overtaken by the next one, or offline: what is shown stays.
        if (error.name !== 'AbortError') console.warn('not renewed', error);
      } finally {
        if (asked === mine) parts.forEach((part) => part.removeAttribute('aria-busy'));
      }
    };

    form.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(renew, PAUSE_MS);
    });
  };

  document.querySelectorAll('form[data-renews]').forEach(renewing);
})();
