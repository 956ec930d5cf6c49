import "./style.css";

export const metadata = { title: "Guestbook", icons: "/icon.svg" };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        <main>
          <h1><a href="/">Guestbook</a></h1>
          {children}
        </main>
      </body>
    </html>
  );
}
