export const getServerSideProps = async ({ req }) => ({ props: { user: req.session.userId ?? 'nobody' } });

export default function Profile({ user }) {
  return <p>{user}</p>;
}
