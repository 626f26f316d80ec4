const table = document.getElementById('values')

async function show() {
  const answer = await fetch('values', { cache: 'no-store' })
  if (!answer.ok) return
  const values = await answer.json()
  table.replaceChildren(
    ...Object.entries(values).map(([name, value]) => {
      const row = document.createElement('tr')
      for (const text of [name, value]) row.appendChild(document.createElement('td')).textContent = text
      return row
    }),
  )
}

setInterval(() => show().catch(() => {}), 2000)
